package interop;

import org.apache.paimon.data.InternalRow;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.Table;
import org.apache.paimon.table.source.DataSplit;
import org.apache.paimon.table.source.EndOfScanException;
import org.apache.paimon.table.source.ReadBuilder;
import org.apache.paimon.table.source.Split;
import org.apache.paimon.table.source.StreamTableScan;
import org.apache.paimon.table.source.TableRead;
import org.apache.paimon.table.system.AuditLogTable;
import org.apache.paimon.table.system.BinlogTable;
import org.apache.paimon.types.RowKind;
import org.apache.paimon.types.RowType;

import java.io.PrintWriter;
import java.util.HashMap;

/** Streaming scans and ranges of changes, with the options as they are given. */
final class Streams {
    /** Plans without a position: there is nothing to start with. */
    private static final int PLANS_BEFORE_START_MAX = 3;

    private Streams() {}

    /** What a streaming scan gives up to the latest snapshot, or to the end it has by its options. */
    static void stream(Interop.Args args, PrintWriter out) throws Exception {
        FileStoreTable plain = args.table(new HashMap<>());
        Long latest = plain.snapshotManager().latestSnapshotId();
        if (latest == null) {
            return;
        }
        long last = args.number("to", latest);
        // As Flink does for a streaming read: the newest schema, not that of the first snapshot.
        Table table = system(args, plain.copyWithoutTimeTravel(args.pairs("options")));
        ReadBuilder builder = table.newReadBuilder();
        StreamTableScan scan = builder.newStreamScan();
        try (IOManager io = Tables.ioManager()) {
            TableRead read = builder.newRead().withIOManager(io);
            int plans = 0;
            while (scan.checkpoint() == null
                    ? plans < PLANS_BEFORE_START_MAX
                    : scan.checkpoint() <= last) {
                plans++;
                for (Split split : scan.plan().splits()) {
                    boolean rows = split instanceof DataSplit && !((DataSplit) split).isStreaming();
                    boolean inserts = rows && !args.has("system");
                    Interop.forEachRow(read, split, row -> print(row, inserts, builder.readType(), out));
                }
                if (args.has("acknowledge")) {
                    scan.notifyCheckpointComplete(scan.checkpoint());
                }
            }
        } catch (EndOfScanException e) {
            return;
        }
    }

    /** The changes of a range, deletes included. */
    static void changes(Interop.Args args, PrintWriter out) throws Exception {
        FileStoreTable plain = args.table(args.pairs("options"));
        Table table = args.has("system") ? system(args, plain) : new AuditLogTable(plain);
        ReadBuilder builder = table.newReadBuilder();
        try (IOManager io = Tables.ioManager()) {
            TableRead read = builder.newRead().withIOManager(io);
            for (Split split : builder.newScan().plan().splits()) {
                Interop.forEachRow(read, split, row -> print(row, false, builder.readType(), out));
            }
        }
    }

    private static Table system(Interop.Args args, FileStoreTable table) {
        switch (args.flag("system", "")) {
            case "audit_log":
                return new AuditLogTable(table);
            case "binlog":
                return new BinlogTable(table);
            default:
                return table;
        }
    }

    /** Rows of the full phase are inserts, but in a log: Paimon gives some of them the kind that they were written with. */
    private static void print(InternalRow row, boolean rows, RowType type, PrintWriter out) {
        ObjectNode line = JsonValues.MAPPER.createObjectNode();
        line.put("rowkind", rows ? RowKind.INSERT.shortString() : row.getRowKind().shortString());
        line.setAll(JsonValues.fromRow(row, type));
        if (rows) {
            line.put("rowkind", RowKind.INSERT.shortString());
        }
        out.println(line);
    }
}
