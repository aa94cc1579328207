package interop;

import org.apache.paimon.CoreOptions;
import org.apache.paimon.Snapshot;
import org.apache.paimon.append.AppendCompactCoordinator;
import org.apache.paimon.append.AppendCompactTask;
import org.apache.paimon.consumer.Consumer;
import org.apache.paimon.data.BinaryRow;
import org.apache.paimon.deletionvectors.BitmapDeletionVector;
import org.apache.paimon.deletionvectors.DeletionVector;
import org.apache.paimon.deletionvectors.append.BaseAppendDeleteFileMaintainer;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.index.IndexFileMeta;
import org.apache.paimon.io.CompactIncrement;
import org.apache.paimon.io.DataFileMeta;
import org.apache.paimon.io.DataIncrement;
import org.apache.paimon.manifest.FileKind;
import org.apache.paimon.manifest.IndexManifestEntry;
import org.apache.paimon.operation.BaseAppendFileStoreWrite;
import org.apache.paimon.operation.LocalOrphanFilesClean;
import org.apache.paimon.options.ExpireConfig;
import org.apache.paimon.postpone.BucketFiles;
import org.apache.paimon.stats.ColStats;
import org.apache.paimon.stats.Statistics;
import org.apache.paimon.table.BucketMode;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.PostponeUtils;
import org.apache.paimon.table.sink.CommitMessage;
import org.apache.paimon.table.sink.CommitMessageImpl;
import org.apache.paimon.table.sink.TableCommitImpl;
import org.apache.paimon.table.sink.TableWriteImpl;
import org.apache.paimon.table.source.DataSplit;
import org.apache.paimon.table.source.Split;
import org.apache.paimon.table.source.TableRead;
import org.apache.paimon.types.DataField;
import org.apache.paimon.utils.HllSketchUtil;
import org.apache.paimon.utils.Pair;
import org.apache.paimon.utils.RoaringBitmap32;
import org.apache.paimon.utils.RoaringBitmap64;
import org.apache.paimon.utils.ThetaSketch;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What happens to a table besides reads and writes. Every sub-command takes warehouse, database and
 * table, then:
 *
 * <pre>
 *   compact        [--minor] [--first-id I] [--user U] [--options k=v,...]  any bucket mode
 *   latest         prints the latest snapshot id (0: none)
 *   create-tag     NAME [--snapshot N] [--retained SECONDS]
 *   delete-tag     NAME
 *   create-branch  NAME [--tag T]
 *   fast-forward   NAME
 *   rollback-to    SNAPSHOT|TAG
 *   expire         [--max N] [--min N] [--changelog-max N]   prints the number of expired snapshots
 *   consumer       ID NEXT_SNAPSHOT
 *   analyze        writes table and column statistics
 *   drop-partition k=v,...
 *   delete-rows    POSITIONS   marks those positions of the first file of an append table as deleted
 *   orphans        [--older-than-ms M] [--dry-run]   prints how many orphan files there were
 *   sketch         KIND 1,2,3  (any table name) prints the hex of rbm32, rbm64, hll or theta
 * </pre>
 */
final class Maintenance {
    private Maintenance() {}

    static boolean run(Interop.Args args, PrintWriter out) throws Exception {
        switch (args.command) {
            case "compact":
                compact(args);
                return true;
            case "latest":
                Long latest = args.table().snapshotManager().latestSnapshotId();
                out.println(latest == null ? 0 : latest);
                return true;
            case "create-tag":
                createTag(args);
                return true;
            case "delete-tag":
                args.table().deleteTag(args.positional.get(3));
                return true;
            case "create-branch":
                if (args.has("tag")) {
                    args.table().createBranch(args.positional.get(3), args.flag("tag", ""));
                } else {
                    args.table().createBranch(args.positional.get(3));
                }
                return true;
            case "fast-forward":
                args.table().fastForward(args.positional.get(3));
                return true;
            case "rollback-to":
                rollback(args);
                return true;
            case "expire":
                out.println(expire(args));
                return true;
            case "consumer":
                args.table()
                        .consumerManager()
                        .resetConsumer(
                                args.positional.get(3),
                                new Consumer(Long.parseLong(args.positional.get(4))));
                return true;
            case "analyze":
                analyze(args);
                return true;
            case "drop-partition":
                try (var commit = args.table().newBatchWriteBuilder().newCommit()) {
                    commit.truncatePartitions(List.of(spec(args.positional.get(3))));
                }
                return true;
            case "delete-rows":
                deleteRows(args);
                return true;
            case "orphans":
                long before = System.currentTimeMillis() - args.number("older-than-ms", 0);
                out.println(
                        new LocalOrphanFilesClean(args.table(), before, args.has("dry-run"))
                                .clean()
                                .getDeletedFileCount());
                return true;
            case "sketch":
                out.println(sketch(args.positional.get(3), args.positional.get(4)));
                return true;
            default:
                return false;
        }
    }

    private static Map<String, String> spec(String pairs) {
        Map<String, String> out = new LinkedHashMap<>();
        for (String pair : pairs.split(",")) {
            out.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
        }
        return out;
    }

    private static void compact(Interop.Args args) throws Exception {
        Map<String, String> options = args.pairs("options");
        options.put("write-only", "false");
        FileStoreTable table = args.table(options);
        String user = args.flag("user", "compactor");
        long id = args.number("first-id", 1);
        if (table.latestSnapshot().isEmpty()) {
            return;
        }
        List<CommitMessage> messages;
        try (IOManager io = Tables.ioManager()) {
            if (table.bucketMode() == BucketMode.POSTPONE_MODE) {
                messages = compactPostpone(table, user, io);
                table = PostponeUtils.tableForCommit(table);
            } else if (table.bucketMode() == BucketMode.BUCKET_UNAWARE) {
                messages = compactUnaware(table, user, io);
            } else {
                messages = compactBuckets(table, user, id, args.has("minor"), io);
            }
        }
        if (!messages.isEmpty()) {
            try (TableCommitImpl commit = table.newCommit(user)) {
                commit.commit(id, messages);
            }
        }
    }

    private static List<CommitMessage> compactBuckets(
            FileStoreTable table, String user, long id, boolean minor, IOManager io)
            throws Exception {
        try (TableWriteImpl<?> write =
                (TableWriteImpl<?>) table.newWrite(user).withIOManager(io)) {
            Set<Map.Entry<BinaryRow, Integer>> buckets = new LinkedHashSet<>();
            table.store()
                    .newScan()
                    .plan()
                    .files()
                    .forEach(e -> buckets.add(Map.entry(e.partition().copy(), e.bucket())));
            for (var b : buckets) {
                write.compact(b.getKey(), b.getValue(), !minor);
            }
            return write.prepareCommit(true, id);
        }
    }

    private static List<CommitMessage> compactUnaware(
            FileStoreTable table, String user, IOManager io) throws Exception {
        List<CommitMessage> messages = new ArrayList<>();
        BaseAppendFileStoreWrite write =
                (BaseAppendFileStoreWrite) table.store().newWrite(user);
        write.withIOManager(io);
        AppendCompactCoordinator coordinator = new AppendCompactCoordinator(table, false);
        for (AppendCompactTask task : coordinator.run()) {
            messages.add(task.doCompact(table, write));
        }
        write.close();
        return messages;
    }

    /** Whether Flink's sink asks for full compactions by itself. */
    private static boolean compactsFully(FileStoreTable table) {
        CoreOptions options = table.coreOptions();
        return options.changelogProducer() == CoreOptions.ChangelogProducer.FULL_COMPACTION
                || options.toConfiguration()
                        .getOptional(CoreOptions.FULL_COMPACTION_DELTA_COMMITS)
                        .isPresent();
    }

    /** What Flink's compact job does to a postpone bucket table, in one thread. */
    private static List<CommitMessage> compactPostpone(
            FileStoreTable table, String user, IOManager io) throws Exception {
        Map<BinaryRow, Integer> known = PostponeUtils.getKnownNumBuckets(table);
        int defaultBuckets =
                Integer.parseInt(table.options().getOrDefault("postpone.default-bucket-num", "1"));
        List<CommitMessage> messages = new ArrayList<>();
        for (Split planned :
                table.newSnapshotReader().withBucket(BucketMode.POSTPONE_BUCKET).read().splits()) {
            DataSplit split = (DataSplit) planned;
            int buckets = known.getOrDefault(split.partition(), defaultBuckets);
            FileStoreTable real = table.copy(Map.of("bucket", Integer.toString(buckets)));
            List<DataFileMeta> files = new ArrayList<>(split.dataFiles());
            files.sort(Comparator.comparing(DataFileMeta::creationTime));
            try (TableWriteImpl<?> write =
                    (TableWriteImpl<?>) real.newWrite(user).withIOManager(io)) {
                TableRead read = real.newReadBuilder().newRead().withIOManager(io);
                for (DataFileMeta file : files) {
                    DataSplit one =
                            DataSplit.builder()
                                    .withPartition(split.partition())
                                    .withBucket(split.bucket())
                                    .withBucketPath(split.bucketPath())
                                    .withTotalBuckets(split.totalBuckets())
                                    .withDataFiles(List.of(file))
                                    .isStreaming(false)
                                    .build();
                    Interop.forEachRow(read, one, write::write);
                }
                Map<Integer, BucketFiles> rewritten = new LinkedHashMap<>();
                int rounds = compactsFully(table) ? 2 : 1;
                for (int round = 0; round < rounds; round++) {
                    for (CommitMessage m : write.prepareCommit(true, Long.MAX_VALUE)) {
                        CommitMessageImpl message = (CommitMessageImpl) m;
                        rewritten
                                .computeIfAbsent(
                                        message.bucket(),
                                        b ->
                                                new BucketFiles(
                                                        real.store()
                                                                .pathFactory()
                                                                .createDataFilePathFactory(
                                                                        message.partition(), b),
                                                        real.fileIO()))
                                .update(message);
                        if (round + 1 < rounds) {
                            write.compact(message.partition(), message.bucket(), true);
                        }
                    }
                }
                rewritten.forEach((b, f) -> messages.add(f.makeMessage(split.partition(), b)));
            }
            messages.add(
                    new CommitMessageImpl(
                            split.partition(),
                            split.bucket(),
                            split.totalBuckets(),
                            DataIncrement.emptyIncrement(),
                            new CompactIncrement(files, List.of(), List.of())));
        }
        return messages;
    }

    private static void createTag(Interop.Args args) throws Exception {
        FileStoreTable table = args.table();
        long snapshot =
                args.number("snapshot", table.snapshotManager().latestSnapshotId());
        if (args.has("retained")) {
            table.createTag(
                    args.positional.get(3),
                    snapshot,
                    Duration.ofSeconds(args.number("retained", 0)));
        } else {
            table.createTag(args.positional.get(3), snapshot);
        }
    }

    private static void rollback(Interop.Args args) throws Exception {
        String to = args.positional.get(3);
        if (to.chars().allMatch(Character::isDigit)) {
            args.table().rollbackTo(Long.parseLong(to));
        } else {
            args.table().rollbackTo(to);
        }
    }

    private static int expire(Interop.Args args) throws Exception {
        FileStoreTable table = args.table();
        ExpireConfig.Builder config =
                ExpireConfig.builder()
                        .snapshotRetainMax((int) args.number("max", Integer.MAX_VALUE))
                        .snapshotRetainMin((int) args.number("min", 1))
                        .snapshotTimeRetain(
                                args.has("max") ? Duration.ofDays(1000) : Duration.ZERO)
                        .snapshotMaxDeletes(Integer.MAX_VALUE);
        if (args.has("changelog-max")) {
            config.changelogRetainMax((int) args.number("changelog-max", 0))
                    .changelogRetainMin(1)
                    .changelogTimeRetain(Duration.ofDays(1000))
                    .changelogMaxDeletes(Integer.MAX_VALUE);
            int expired = table.newExpireSnapshots().config(config.build()).expire();
            return expired + table.newExpireChangelog().config(config.build()).expire();
        }
        return table.newExpireSnapshots().config(config.build()).expire();
    }

    private static void analyze(Interop.Args args) throws Exception {
        FileStoreTable table = args.table();
        Snapshot snapshot = table.latestSnapshot().get();
        long rows = table.newReadBuilder().newScan().plan().splits().stream()
                .mapToLong(Split::rowCount)
                .sum();
        Map<String, ColStats<?>> columns = new HashMap<>();
        for (DataField f : table.rowType().getFields()) {
            columns.put(f.name(), ColStats.newColStats(f.id(), rows, null, null, 0L, 8L, 16L));
        }
        try (var commit = table.newBatchWriteBuilder().newCommit()) {
            commit.updateStatistics(
                    new Statistics(
                            snapshot.id(),
                            snapshot.schemaId(),
                            rows,
                            Tables.filesSize(table),
                            columns));
        }
    }

    private static void deleteRows(Interop.Args args) throws Exception {
        FileStoreTable table = args.table();
        DataSplit split = (DataSplit) table.newReadBuilder().newScan().plan().splits().get(0);
        BaseAppendDeleteFileMaintainer maintainer =
                BaseAppendDeleteFileMaintainer.forUnawareAppend(
                        table.store().newIndexFileHandler(),
                        table.snapshotManager().latestSnapshot(),
                        split.partition());
        DeletionVector deleted = new BitmapDeletionVector();
        for (String position : args.positional.get(3).split(",")) {
            deleted.delete(Long.parseLong(position));
        }
        maintainer.notifyNewDeletionVector(split.dataFiles().get(0).fileName(), deleted);
        List<IndexFileMeta> added = new ArrayList<>();
        List<IndexFileMeta> removed = new ArrayList<>();
        for (IndexManifestEntry e : maintainer.persist()) {
            (e.kind() == FileKind.ADD ? added : removed).add(e.indexFile());
        }
        CommitMessage message =
                new CommitMessageImpl(
                        split.partition(),
                        0,
                        split.totalBuckets(),
                        new DataIncrement(List.of(), List.of(), List.of(), added, removed),
                        CompactIncrement.emptyIncrement());
        try (TableCommitImpl commit = table.newCommit(args.flag("user", "deleter"))) {
            commit.commit(args.number("first-id", 1), List.of(message));
        }
    }

    private static String sketch(String kind, String values) throws Exception {
        int[] ints = Arrays.stream(values.split(",")).mapToInt(Integer::parseInt).toArray();
        byte[] bytes;
        switch (kind) {
            case "rbm32":
                bytes = RoaringBitmap32.bitmapOf(ints).serialize();
                break;
            case "rbm64":
                bytes =
                        RoaringBitmap64.bitmapOf(Arrays.stream(ints).asLongStream().toArray())
                                .serialize();
                break;
            case "hll":
                bytes = HllSketchUtil.sketchOf(ints);
                break;
            default:
                bytes = ThetaSketch.sketchOf(ints);
        }
        return HexFormat.of().formatHex(bytes);
    }
}
