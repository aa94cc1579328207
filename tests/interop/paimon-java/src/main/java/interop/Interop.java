package interop;

import org.apache.paimon.Snapshot;
import org.apache.paimon.catalog.Catalog;
import org.apache.paimon.catalog.Identifier;
import org.apache.paimon.data.BinaryRow;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.io.DataFileMeta;
import org.apache.paimon.manifest.IndexManifestEntry;
import org.apache.paimon.manifest.ManifestCommittable;
import org.apache.paimon.manifest.ManifestEntry;
import org.apache.paimon.reader.RecordReader;
import org.apache.paimon.schema.Schema;
import org.apache.paimon.schema.SchemaChange;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.sink.TableCommitImpl;
import org.apache.paimon.table.sink.TableWriteImpl;
import org.apache.paimon.table.source.DataSplit;
import org.apache.paimon.table.source.IncrementalSplit;
import org.apache.paimon.table.source.ReadBuilder;
import org.apache.paimon.table.source.Split;
import org.apache.paimon.table.source.StreamTableScan;
import org.apache.paimon.table.source.TableRead;
import org.apache.paimon.types.DataType;
import org.apache.paimon.types.DataTypeJsonParser;
import org.apache.paimon.types.RowType;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Drives Apache Paimon's own Java library from a command line, as a reference for other engines. */
public final class Interop {
    private static final String USAGE =
            "create    <warehouse> <db> <table> <schema.json>\n"
                    + "alter     <warehouse> <db> <table> <changes.json>\n"
                    + "write     <warehouse> <db> <table> <rows.ndjson> [--commits N] [--user U]\n"
                    + "          [--first-id I] [--full-compact last|each] [--no-wait]\n"
                    + "          [--overwrite k=v,...] [--watermark W] [--options k=v,...]\n"
                    + "read      <warehouse> <db> <table> [--snapshot N] [--project a,b]\n"
                    + "          [--filter JSON] [--limit N] [--options k=v,...]\n"
                    + "changelog <warehouse> <db> <table> [--from-snapshot N] [--full]\n"
                    + "          [--options k=v,...]\n"
                    + "stream    <warehouse> <db> <table> [--system audit_log|binlog] [--options JSON]\n"
                    + "          [--to SNAPSHOT] [--acknowledge]\n"
                    + "changes   <warehouse> <db> <table> --options JSON: of incremental-between\n"
                    + "describe  <warehouse> <db> <table>\n"
                    + "compact, create-tag, delete-tag, create-branch, fast-forward, rollback-to, expire,\n"
                    + "consumer, analyze, drop-partition, delete-rows, orphans: see Maintenance.java\n"
                    + "script    reads one JSON array of arguments a line from standard input, answers each\n"
                    + "          with its output, then a line '#ok' or '#error <message>' (one JVM for many)\n"
                    + "bench-*   see Bench.java\n"
                    + "JSON arguments may be a file name or the JSON text itself.";

    private static final PrintWriter OUT =
            new PrintWriter(
                    new BufferedWriter(
                            new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 16));

    public static void main(String[] argv) throws Exception {
        boolean known = true;
        if (argv.length == 1 && argv[0].equals("script")) {
            script();
        } else {
            known = argv.length >= 4 && run(new Args(argv));
        }
        OUT.flush();
        if (!known) {
            System.err.println(USAGE);
        }
        System.exit(known ? 0 : 2); // Paimon keeps non-daemon threads for a while
    }

    private static boolean run(Args args) throws Exception {
        switch (args.command) {
            case "create":
                create(args);
                return true;
            case "alter":
                alter(args);
                return true;
            case "write":
                write(args);
                return true;
            case "read":
                read(args);
                return true;
            case "changelog":
                changelog(args);
                return true;
            case "stream":
                Streams.stream(args, OUT);
                return true;
            case "changes":
                Streams.changes(args, OUT);
                return true;
            case "describe":
                describe(args);
                return true;
            default:
                return Maintenance.run(args, OUT) || Bench.run(args);
        }
    }

    private static void script() throws Exception {
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                String[] argv = JsonValues.MAPPER.readValue(line, String[].class);
                boolean known = argv.length >= 4 && run(new Args(argv));
                OUT.println(known ? "#ok" : "#error unknown command");
            } catch (Exception | LinkageError e) {
                OUT.println("#error " + String.valueOf(e).replace('\n', ' '));
            }
            OUT.flush();
        }
    }

    /** Positional arguments and --name value flags. */
    static final class Args {
        final String command;
        final List<String> positional = new ArrayList<>();
        private final Map<String, String> flags = new HashMap<>();

        Args(String[] argv) {
            command = argv[0];
            for (int i = 1; i < argv.length; i++) {
                if (!argv[i].startsWith("--")) {
                    positional.add(argv[i]);
                } else if (i + 1 < argv.length && !argv[i + 1].startsWith("--")) {
                    flags.put(argv[i].substring(2), argv[++i]);
                } else {
                    flags.put(argv[i].substring(2), "");
                }
            }
        }

        String flag(String name, String otherwise) {
            return flags.getOrDefault(name, otherwise);
        }

        long number(String name, long otherwise) {
            return Long.parseLong(flag(name, Long.toString(otherwise)).replace("_", ""));
        }

        boolean has(String name) {
            return flags.containsKey(name);
        }

        Map<String, String> pairs(String name) {
            Map<String, String> out = new HashMap<>();
            if (flag(name, "").startsWith("{")) {
                try {
                    JsonValues.MAPPER
                            .readTree(flag(name, ""))
                            .fields()
                            .forEachRemaining(e -> out.put(e.getKey(), e.getValue().asText()));
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            } else if (!flag(name, "").isEmpty()) {
                for (String pair : flag(name, "").split(",")) {
                    out.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
                }
            }
            return out;
        }

        JsonNode json(int index) throws Exception {
            String arg = positional.get(index);
            boolean inline = arg.startsWith("{") || arg.startsWith("[");
            return JsonValues.MAPPER.readTree(inline ? arg : Files.readString(Path.of(arg)));
        }

        FileStoreTable table() throws Exception {
            return table(pairs("options"));
        }

        FileStoreTable table(Map<String, String> options) throws Exception {
            return Tables.open(positional.get(0), positional.get(1), positional.get(2), options);
        }

        Identifier identifier() {
            return Identifier.create(positional.get(1), positional.get(2));
        }
    }

    /** {"fields":[{"name","type"}],"primaryKeys":[],"partitionKeys":[],"options":{}} */
    private static void create(Args args) throws Exception {
        JsonNode json = args.json(3);
        Schema.Builder schema = Schema.newBuilder();
        json.get("fields").forEach(f -> schema.column(
                                        f.get("name").asText(),
                                        typeOf(f.get("type")),
                                        f.hasNonNull("description") ? f.get("description").asText() : null));
        schema.primaryKey(strings(json.get("primaryKeys")));
        schema.partitionKeys(strings(json.get("partitionKeys")));
        if (json.hasNonNull("comment")) {
            schema.comment(json.get("comment").asText());
        }
        if (json.has("options")) {
            json.get("options")
                    .fields()
                    .forEachRemaining(e -> schema.option(e.getKey(), e.getValue().asText()));
        }
        Catalog catalog = Tables.catalog(args.positional.get(0));
        catalog.createDatabase(args.positional.get(1), true);
        catalog.createTable(args.identifier(), schema.build(), false);
    }

    /** Paimon's schema JSON form of a type: "BIGINT NOT NULL" or {"type":"ARRAY","element":...}. */
    private static DataType typeOf(JsonNode json) {
        return DataTypeJsonParser.parseDataType(json, new AtomicInteger(-1));
    }

    private static List<String> strings(JsonNode json) {
        List<String> out = new ArrayList<>();
        if (json != null) {
            json.forEach(n -> out.add(n.asText()));
        }
        return out;
    }

    /**
     * [{"add":c,"type":t,"after":x|"first":true},{"rename":a,"to":b},{"drop":c},{"retype":a,"to":t},
     * {"move":a,"after":b|"first":true},{"nullable":a},{"default":a,"to":v},{"set":k,"to":v},{"reset":k}];
     * a nested field is named by its path, "row.field".
     */
    private static void alter(Args args) throws Exception {
        List<SchemaChange> changes = new ArrayList<>();
        for (JsonNode c : args.json(3)) {
            if (c.has("add")) {
                changes.add(
                        SchemaChange.addColumn(path(c, "add"), typeOf(c.get("type")), null, move(c, "add")));
            } else if (c.has("rename")) {
                changes.add(SchemaChange.renameColumn(path(c, "rename"), c.get("to").asText()));
            } else if (c.has("drop")) {
                changes.add(SchemaChange.dropColumn(path(c, "drop")));
            } else if (c.has("retype")) {
                changes.add(
                        SchemaChange.updateColumnType(path(c, "retype"), typeOf(c.get("to")), true));
            } else if (c.has("move")) {
                changes.add(SchemaChange.updateColumnPosition(move(c, "move")));
            } else if (c.has("nullable")) {
                changes.add(SchemaChange.updateColumnNullability(path(c, "nullable"), true));
            } else if (c.has("default")) {
                changes.add(
                        SchemaChange.updateColumnDefaultValue(path(c, "default"), c.get("to").asText()));
            } else if (c.has("set")) {
                changes.add(SchemaChange.setOption(c.get("set").asText(), c.get("to").asText()));
            } else if (c.has("reset")) {
                changes.add(SchemaChange.removeOption(c.get("reset").asText()));
            } else {
                throw new IllegalArgumentException("unknown change: " + c);
            }
        }
        Tables.catalog(args.positional.get(0)).alterTable(args.identifier(), changes, false);
    }

    private static String[] path(JsonNode change, String verb) {
        return change.get(verb).asText().split("\\.");
    }

    private static SchemaChange.Move move(JsonNode change, String verb) {
        String name = change.get(verb).asText();
        if (change.has("first")) {
            return SchemaChange.Move.first(name);
        }
        return change.has("after")
                ? SchemaChange.Move.after(name, change.get("after").asText())
                : null;
    }

    private static void write(Args args) throws Exception {
        FileStoreTable table = args.table();
        List<String> lines = new ArrayList<>(Files.readAllLines(Path.of(args.positional.get(3))));
        lines.removeIf(String::isBlank);
        long commits = args.number("commits", 1);
        long firstId = args.number("first-id", 1);
        String user = args.flag("user", "interop");
        String fullCompact = args.has("full-compact") ? args.flag("full-compact", "") : "never";

        try (IOManager io = Tables.ioManager();
                TableWriteImpl<?> write = (TableWriteImpl<?>) table.newWrite(user).withIOManager(io);
                TableCommitImpl commit = table.newCommit(user);
                Tables.RowSink sink = Tables.sink(table, write, user, io)) {
            commit.ignoreEmptyCommit(false);
            if (args.has("overwrite")) {
                commit.withOverwrite(args.pairs("overwrite"));
                write.withIgnorePreviousFiles(true);
            }
            RowType type = table.rowType();
            for (long c = 0; c < commits; c++) {
                int end = (int) (lines.size() * (c + 1) / commits);
                for (int i = (int) (lines.size() * c / commits); i < end; i++) {
                    sink.write(JsonValues.toRow(JsonValues.MAPPER.readTree(lines.get(i)), type));
                }
                long id = firstId + c;
                sink.beforeCommit(id);
                boolean last = c + 1 == commits;
                if (fullCompact.equals("each") || last && !fullCompact.equals("never")) {
                    // A first prepareCommit flushes the buffer, so that compaction sees those rows.
                    var flushed = write.prepareCommit(true, id);
                    compactAllBuckets(table, write, flushed);
                    var all = new ArrayList<>(flushed);
                    all.addAll(write.prepareCommit(true, id));
                    commit.commit(id, all);
                } else if (args.has("watermark")) {
                    long watermark = args.number("watermark", 0) + c;
                    commit.commit(new ManifestCommittable(id, watermark, write.prepareCommit(true, id)));
                } else {
                    commit.commit(id, write.prepareCommit(!args.has("no-wait"), id));
                }
            }
        }
    }

    static void compactAllBuckets(
            FileStoreTable table,
            TableWriteImpl<?> write,
            List<org.apache.paimon.table.sink.CommitMessage> flushed)
            throws Exception {
        Set<Map.Entry<BinaryRow, Integer>> buckets = new LinkedHashSet<>();
        for (var message : flushed) {
            var m = (org.apache.paimon.table.sink.CommitMessageImpl) message;
            buckets.add(Map.entry(m.partition().copy(), m.bucket()));
        }
        for (ManifestEntry e : table.store().newScan().plan().files()) {
            buckets.add(Map.entry(e.partition().copy(), e.bucket()));
        }
        for (var b : buckets) {
            write.compact(b.getKey(), b.getValue(), true);
        }
    }

    private static void read(Args args) throws Exception {
        Map<String, String> options = args.pairs("options");
        if (args.has("snapshot")) {
            options.put("scan.snapshot-id", args.flag("snapshot", ""));
        }
        if (args.has("tag")) {
            options.put("scan.tag-name", args.flag("tag", ""));
        }
        FileStoreTable table = args.table(options);
        ReadBuilder builder = table.newReadBuilder();
        if (args.has("project")) {
            List<String> names = table.rowType().getFieldNames();
            builder.withProjection(
                    Arrays.stream(args.flag("project", "").split(",")).mapToInt(names::indexOf).toArray());
        }
        if (args.has("filter")) {
            JsonNode filter = JsonValues.MAPPER.readTree(args.flag("filter", ""));
            builder.withFilter(Filters.parse(filter, table.rowType()));
        }
        if (args.has("limit")) {
            builder.withLimit((int) args.number("limit", 0));
        }
        List<String> lines = new ArrayList<>();
        try (IOManager io = Tables.ioManager()) {
            TableRead read = builder.newRead().withIOManager(io);
            if (args.has("filter")) {
                read = read.executeFilter();
            }
            for (Split split : builder.newScan().plan().splits()) {
                forEachRow(
                        read,
                        split,
                        row -> lines.add(JsonValues.fromRow(row, builder.readType()).toString()));
            }
        }
        lines.sort(null);
        lines.forEach(OUT::println);
    }

    private static void changelog(Args args) throws Exception {
        Map<String, String> options = args.pairs("options");
        FileStoreTable plain = args.table(new HashMap<>());
        Long latest = plain.snapshotManager().latestSnapshotId();
        if (latest == null) {
            return;
        }
        Long kept = plain.changelogManager().earliestLongLivedChangelogId();
        long earliest = kept != null ? kept : plain.snapshotManager().earliestSnapshotId();
        long from = args.number("from-snapshot", earliest);
        options.put("scan.mode", args.has("full") ? "from-snapshot-full" : "from-snapshot");
        options.put("scan.snapshot-id", Long.toString(from));
        // As Flink does for a streaming read: the newest schema, not that of the first snapshot.
        FileStoreTable table = plain.copyWithoutTimeTravel(options);
        ReadBuilder builder = table.newReadBuilder();
        StreamTableScan scan = builder.newStreamScan();
        try (IOManager io = Tables.ioManager()) {
            TableRead read = builder.newRead().withIOManager(io);
            // checkpoint() is the next snapshot the scan will look at.
            while (scan.checkpoint() == null || scan.checkpoint() <= latest) {
                for (Split split : scan.plan().splits()) {
                    long snapshot =
                            split instanceof IncrementalSplit
                                    ? ((IncrementalSplit) split).snapshotId()
                                    : ((DataSplit) split).snapshotId();
                    forEachRow(
                            read,
                            split,
                            row -> {
                                ObjectNode line = JsonValues.MAPPER.createObjectNode();
                                line.put("rowkind", row.getRowKind().shortString());
                                if (!args.has("no-snapshot")) {
                                    line.put("snapshot", snapshot);
                                }
                                                                line.setAll(JsonValues.fromRow(row, builder.readType()));
                                OUT.println(line);
                            });
                }
            }
        }
    }

    interface RowConsumer {
        void accept(InternalRow row) throws Exception;
    }

    static void forEachRow(TableRead read, Split split, RowConsumer consumer) throws Exception {
        try (RecordReader<InternalRow> reader = read.createReader(split)) {
            RecordReader.RecordIterator<InternalRow> batch;
            while ((batch = reader.readBatch()) != null) {
                for (InternalRow row = batch.next(); row != null; row = batch.next()) {
                    consumer.accept(row);
                }
                batch.releaseBatch();
            }
        }
    }

    private static void describe(Args args) throws Exception {
        FileStoreTable table = args.table();
        ObjectNode out = JsonValues.MAPPER.createObjectNode();
        out.set("schema", JsonValues.MAPPER.readTree(table.schema().toString()));
        out.put("bucketMode", table.bucketMode().name());

        ArrayNode snapshots = out.putArray("snapshots");
        List<Snapshot> ordered = new ArrayList<>();
        Iterator<Snapshot> it = table.snapshotManager().snapshots();
        it.forEachRemaining(ordered::add);
        ordered.sort((a, b) -> Long.compare(a.id(), b.id()));
        for (Snapshot s : ordered) {
            snapshots.add(JsonValues.MAPPER.readTree(s.toJson()));
        }

        ArrayNode files = out.putArray("files");
        List<ManifestEntry> entries = new ArrayList<>(table.store().newScan().plan().files());
        entries.sort(
                (a, b) -> {
                    String pa = table.store().pathFactory().getPartitionString(a.partition());
                    String pb = table.store().pathFactory().getPartitionString(b.partition());
                    int c = pa.compareTo(pb);
                    c = c != 0 ? c : Integer.compare(a.bucket(), b.bucket());
                    c = c != 0 ? c : Integer.compare(a.level(), b.level());
                    return c != 0
                            ? c
                            : Long.compare(
                                    a.file().minSequenceNumber(), b.file().minSequenceNumber());
                });
        for (ManifestEntry e : entries) {
            DataFileMeta f = e.file();
            ObjectNode n = files.addObject();
            n.put("partition", table.store().pathFactory().getPartitionString(e.partition()));
            n.put("bucket", e.bucket());
            n.put("totalBuckets", e.totalBuckets());
            n.put("level", f.level());
            n.put("name", f.fileName());
            n.put("size", f.fileSize());
            n.put("rows", f.rowCount());
            f.deleteRowCount().ifPresent(d -> n.put("deleteRows", d));
            n.put("minSequence", f.minSequenceNumber());
            n.put("maxSequence", f.maxSequenceNumber());
            n.put("schemaId", f.schemaId());
            f.fileSource().ifPresent(s -> n.put("source", s.name()));
            n.set("extraFiles", JsonValues.MAPPER.valueToTree(f.extraFiles()));
        }

        ArrayNode indexes = out.putArray("indexFiles");
        if (!ordered.isEmpty()) {
            for (IndexManifestEntry e : table.store().newIndexFileHandler().scanEntries()) {
                ObjectNode n = indexes.addObject();
                n.put("partition", table.store().pathFactory().getPartitionString(e.partition()));
                n.put("bucket", e.bucket());
                n.put("type", e.indexFile().indexType());
                n.put("name", e.indexFile().fileName());
                n.put("size", e.indexFile().fileSize());
                n.put("rows", e.indexFile().rowCount());
                if (e.indexFile().dvRanges() != null) {
                    n.set(
                            "deletionVectorsOf",
                            JsonValues.MAPPER.valueToTree(e.indexFile().dvRanges().keySet()));
                }
            }
        }
        OUT.println(out.toPrettyString());
    }
}
