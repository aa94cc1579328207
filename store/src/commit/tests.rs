//! The pure parts of a commit as text tables: a line is a file or a manifest, a case says what comes of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use alluvium_format::index_file::DeletionVectorMeta;
use alluvium_format::{
    BinaryRow, BucketMode, CommitKind, DataFileMeta, DataType, Datum, ErrorKind, FileKind, IndexFileMeta,
    IndexManifestEntry, ManifestEntry, ManifestFileMeta, SimpleStats,
};
use indexmap::IndexMap;

use super::changes::Change;
use super::conflict::{ConflictRules, find_clash, find_unknown};
use super::index_merge::merge_index;
use super::manifest_merge::{MergeLimits, MergeStep, fold_minor};
use super::vector_conflict::{IndexFilesOfBucket, find_vector_clash};
use crate::scan::live_files::LiveFiles;
use crate::scan::partition_filter::PartitionFilter;

fn int() -> Vec<DataType> {
    vec![DataType::parse("INT NOT NULL").unwrap()]
}

fn row(value: i32) -> BinaryRow {
    BinaryRow::encode(&int(), &[Some(Datum::Int(value))]).unwrap()
}

/// `+name`, `-name`, then `p<partition>`, `b<bucket>`, `t<total buckets>`, `l<level>`, `k<min>..<max>`, `x<extra file>`.
fn entry(text: &str) -> ManifestEntry {
    let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
    let kind = if head.starts_with('+') { FileKind::Add } else { FileKind::Delete };
    let mut entry = ManifestEntry { kind, partition: row(0), bucket: 0, total_buckets: 1, file: file(&head[1..]) };
    for word in rest.split_whitespace() {
        let value = &word[1..];
        match &word[..1] {
            "p" => entry.partition = row(value.parse().unwrap()),
            "b" => entry.bucket = value.parse().unwrap(),
            "t" => entry.total_buckets = value.parse().unwrap(),
            "l" => entry.file.level = value.parse().unwrap(),
            "x" => entry.file.extra_files.push(value.to_owned()),
            "k" => {
                let (min, max) = value.split_once("..").unwrap();
                entry.file.min_key = row(min.parse().unwrap());
                entry.file.max_key = row(max.parse().unwrap());
            }
            _ => panic!("{word}"),
        }
    }
    entry
}

fn file(name: &str) -> DataFileMeta {
    DataFileMeta {
        file_name: name.to_owned(),
        file_size: 1,
        row_count: 1,
        min_key: row(0),
        max_key: row(9),
        ..DataFileMeta::blank()
    }
}

fn entries(text: &str) -> Vec<ManifestEntry> {
    text.split(',').map(str::trim).filter(|line| !line.is_empty()).map(entry).collect()
}

fn shown(entries: &[ManifestEntry]) -> String {
    let sign = |kind| if kind == FileKind::Add { '+' } else { '-' };
    let texts = entries.iter().map(|entry| format!("{}{}", sign(entry.kind), entry.file.file_name));
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn conflicts() {
    use CommitKind::{Append, Compact, Overwrite};
    // What is there; what is committed, as what; the clash.
    let cases = [
        ("", "+a", Append, "none"),
        ("+a", "+b", Append, "none"),
        ("+a l5", "-a l5, +b l5", Compact, "none"),
        ("+a", "-a, +a l5", Compact, "none"),
        ("+a", "-b", Compact, "gone b"),
        ("+a l5", "-a", Compact, "gone a"),
        ("+a xi", "-a", Compact, "gone a"),
        ("+a b1", "-a", Compact, "gone a"),
        ("+a p1", "-a", Compact, "gone a"),
        ("", "-a", Overwrite, "gone a"),
        ("+a", "+a", Compact, "there a"),
        ("+a", "+a l1", Compact, "none"),
        ("", "+a, +a", Compact, "twice a"),
        ("+a", "-a, -a", Compact, "twice a"),
        ("+a", "-a, +a", Compact, "twice a"),
        ("+a", "-a, +b, -b", Compact, "none"),
        // Numbers of buckets: dynamic ones (-1) are never compared, an overwrite may change them.
        ("+a t2", "+b t3", Compact, "buckets 2 3"),
        ("+a t2", "+b t3", Overwrite, "none"),
        ("+a t2 p1", "+b t3", Compact, "none"),
        ("+a t-1", "+b t3", Compact, "none"),
        ("+a t2", "+b t-1", Compact, "none"),
        ("", "+a t2, +b t3", Compact, "buckets 2 3"),
        // Key ranges: of level 1 and up, of one bucket and level, of what is left.
        ("+a k0..9", "+b k5..6", Compact, "none"),
        ("+a l5 k0..4", "+b l5 k5..9", Compact, "none"),
        ("+a l5 k0..5", "+b l5 k5..9", Compact, "overlap a b"),
        ("+b l5 k5..9", "+a l5 k0..5", Compact, "overlap b a"),
        ("+a l5 k0..9", "+b l5 k3..4", Compact, "overlap a b"),
        ("+a l5 k0..5", "+b l4 k5..9", Compact, "none"),
        ("+a l5 k0..5 b1", "+b l5 k5..9", Compact, "none"),
        ("+a l5 k0..5 p1", "+b l5 k5..9", Compact, "none"),
        ("+a l5 k0..5", "-a l5 k0..5, +b l5 k5..9", Compact, "none"),
        ("", "+a l5 k0..5, +b l5 k5..9", Overwrite, "overlap a b"),
        ("+a l5 k0..5", "+b l5 k5..9", Overwrite, "overlap a b"),
    ];
    for (there, delta, kind, expected) in cases {
        let rules = ConflictRules { kind, key_types: int() };
        let (base, delta_entries) = (entries(there), entries(delta));
        let clash = find_clash(base.iter(), &delta_entries, &rules).unwrap();
        let found = clash.map_or("none".to_owned(), |clash| words(&clash));
        assert_eq!(found, expected, "{delta} onto {there}");
    }
    let rules = ConflictRules { kind: Compact, key_types: Vec::new() };
    let (base, delta) = (entries("+a l5 k0..5"), entries("+b l5 k5..9"));
    assert_eq!(find_clash(base.iter(), &delta, &rules).unwrap(), None, "append tables have no key ranges");
}

#[test]
fn files_that_a_compaction_which_looks_up_did_not_know() {
    // What is there; the files that it knew of partition 0 and bucket 0; the clash.
    let cases = [
        ("+a l5", Some("a"), "none"),
        ("+a l5, +b l4", Some("a"), "unknown b"),
        ("+a l5, +b l4", Some(""), "unknown a"),
        ("+a l5, +b l0", Some("a"), "none"),
        ("+a l5, +b l4 b1", Some("a"), "none"),
        ("+a l5, +b l4 p1", Some("a"), "none"),
        ("+a l5, +b l4", None, "none"),
    ];
    for (there, known, expected) in cases {
        let names = |names: &str| names.split_whitespace().map(str::to_owned).collect::<HashSet<String>>();
        let change = Change { known: known.map(|known| ((row(0), 0), names(known))).into_iter().collect(), ..change() };
        let base = entries(there);
        let found = find_unknown(base.iter(), &change).map_or("none".to_owned(), |clash| words(&clash));
        assert_eq!(found, expected, "{there}, known {known:?}");
    }
}

fn change() -> Change {
    Change {
        identifier: 1,
        kind: CommitKind::Compact,
        watermark: None,
        properties: IndexMap::new(),
        entries: Vec::new(),
        changelog: Vec::new(),
        index: Vec::new(),
        known: HashMap::new(),
        known_index: HashMap::new(),
        known_until: None,
    }
}

fn words(clash: &super::conflict::Clash) -> String {
    use super::conflict::Clash;
    match clash {
        Clash::TotalBuckets { there, ours, .. } => format!("buckets {there} {ours}"),
        Clash::NamedTwice(file) => format!("twice {}", file.name),
        Clash::AlreadyThere(file) => format!("there {}", file.name),
        Clash::Gone(file) => format!("gone {}", file.name),
        Clash::Overlap { there, other } => format!("overlap {} {}", there.name, other.name),
        Clash::Unknown(file) => format!("unknown {}", file.name),
        Clash::VectorOfGone { file, index } => format!("vector of gone {} in {index}", file.name),
        Clash::VectorUnseen { file, index } => format!("unseen {} in {index}", file.name),
        Clash::VectorBeside { file, index } => format!("beside {} in {index}", file.name),
        Clash::VectorsReplaced { ours, there } => {
            format!("replaced {} by {}", ours.name, there.as_deref().unwrap_or("nothing"))
        }
    }
}

/// `<bytes>` or `<bytes>-` for a manifest with DELETE entries; `p<min>..<max>` its partitions.
fn metas(text: &str) -> Vec<ManifestFileMeta> {
    let meta = |(at, word): (usize, &str)| {
        let (size, partitions) = word.split_once('p').unwrap_or((word, "0..0"));
        let (min, max) = partitions.split_once("..").unwrap();
        ManifestFileMeta {
            file_name: format!("m{at}"),
            file_size: size.trim_end_matches('-').parse().unwrap(),
            num_added_files: 1,
            num_deleted_files: i64::from(size.ends_with('-')),
            partition_stats: SimpleStats {
                min_values: row(min.parse().unwrap()),
                max_values: row(max.parse().unwrap()),
                null_counts: vec![Some(0)],
            },
            schema_id: 0,
            min_bucket: None,
            max_bucket: None,
            min_level: None,
            max_level: None,
            min_row_id: None,
            max_row_id: None,
        }
    };
    text.split_whitespace().enumerate().map(meta).collect()
}

#[test]
fn minor_merges() {
    let limits = MergeLimits { target_bytes: 10, min_count: 3, full_bytes: 1000 };
    let cases = [
        ("", ""),
        ("4", "keep 0..1"),
        ("4 4", "keep 0..2"),
        ("4 4 1", "merge 0..3"),
        ("4 4 4", "merge 0..3"),
        ("6 6", "merge 0..2"),
        ("10", "keep 0..1"),
        ("10 12 1", "keep 0..1, keep 1..2, keep 2..3"),
        ("1 10 1 1", "merge 0..2, keep 2..4"),
        ("1 10 1 1 1", "merge 0..2, merge 2..5"),
        ("5- 5 20 1", "merge 0..2, keep 2..3, keep 3..4"),
    ];
    for (manifests, expected) in cases {
        let steps = limits.minor(&metas(manifests));
        let shown: Vec<String> = steps
            .iter()
            .map(|step| match step {
                MergeStep::Keep(range) => format!("keep {range:?}"),
                MergeStep::Merge(range) => format!("merge {range:?}"),
            })
            .collect();
        assert_eq!(shown.join(", "), expected, "{manifests}");
    }
    let one = MergeLimits { min_count: 1, ..limits };
    assert_eq!(one.minor(&metas("4")), [MergeStep::Keep(0..1)], "one manifest is never merged with itself");
}

#[test]
fn full_merges() {
    let limits = MergeLimits { target_bytes: 10, min_count: 3, full_bytes: 20 };
    for (manifests, expected) in [
        ("", false),
        ("9 9", false),
        ("9 9 2", true),
        ("30", false),
        ("30-", true),
        ("10 10 10", false),
        ("9 12-", true),
    ] {
        assert_eq!(limits.wants_full(&metas(manifests)), expected, "{manifests}");
    }
    // Big manifests stay when no DELETE can be of their partitions.
    for (manifests, deleted, expected) in [
        ("30p0..4 30p5..9 5p0..0 5p1..1", vec![], Some(("m0 m1", "m2 m3"))),
        ("30p0..4 30p5..9 5p0..0 5p1..1", vec![7], Some(("m0", "m1 m2 m3"))),
        ("30p0..4 30p5..9 5-p4..5", vec![4, 5], Some(("", "m0 m1 m2"))),
        ("30p0..4 30-p5..9", vec![9], None),
        ("30p0..4 30p5..9", vec![], None),
    ] {
        let rows: HashSet<BinaryRow> = deleted.iter().map(|value| row(*value)).collect();
        let filter = PartitionFilter::among(int(), rows).unwrap();
        let names =
            |metas: &[ManifestFileMeta]| metas.iter().map(|meta| meta.file_name.clone()).collect::<Vec<_>>().join(" ");
        let found = limits.full(&metas(manifests), &filter).unwrap();
        let found = found.map(|(kept, merged)| (names(&kept), names(&merged)));
        assert_eq!(
            found,
            expected.map(|(kept, merged)| (kept.to_owned(), merged.to_owned())),
            "{manifests} {deleted:?}"
        );
    }
}

fn manifests(text: &str) -> Vec<Arc<Vec<ManifestEntry>>> {
    text.split('|').map(|part| Arc::new(entries(part))).collect()
}

#[test]
fn folds() {
    // Manifests in order; what a minor merge makes of them; what a full merge does; what a scan sees.
    let cases = [
        ("+a | +b", "+a +b", "+a +b", "+a +b"),
        ("+a | -a", "", "", ""),
        ("+a, +b | -a | +c", "+b +c", "+b +c", "+b +c"),
        ("-z | +a", "-z +a", "+a", "+a"),
        ("+a | -a, +a l5", "+a", "+a", "+a"),
        ("+a xi | -a", "+a -a", "+a", "+a"),
        ("+a b1 | -a b1 | +a b2", "+a", "+a", "+a"),
    ];
    for (text, minor, full, scanned) in cases {
        let parts = manifests(text);
        assert_eq!(shown(&fold_minor(&parts).unwrap()), minor, "{text}");
        let limits = MergeLimits { target_bytes: 10, min_count: 1, full_bytes: 1 };
        let small = metas(&vec!["1"; parts.len()].join(" "));
        let (unchanged, folded) = limits.fold_full(&small, &parts, &parts);
        assert_eq!((unchanged, shown(&folded)), (Vec::new(), full.to_owned()), "{text}");
        let all = PartitionFilter::among(int(), HashSet::from([row(0)])).unwrap();
        let live: Vec<ManifestEntry> = LiveFiles::fold(parts, &all).unwrap().iter().cloned().collect();
        assert_eq!(shown(&live), scanned, "{text}");
    }
    assert_eq!(fold_minor(&manifests("+a | +a")).unwrap_err().kind(), ErrorKind::Corrupt);
    // Big manifests without changes keep their file.
    let limits = MergeLimits { target_bytes: 10, min_count: 1, full_bytes: 1 };
    let parts = manifests("+a, +b | +c | -c, +d");
    let (unchanged, folded) = limits.fold_full(&metas("30 30 30-"), &parts, &parts);
    assert_eq!((unchanged, shown(&folded)), (vec![0], "+d".to_owned()));
}

fn index(kind: FileKind, name: &str, index_type: &str, bucket: i32) -> IndexManifestEntry {
    let index_file = IndexFileMeta {
        index_type: index_type.to_owned(),
        file_name: name.to_owned(),
        file_size: 1,
        row_count: 1,
        dv_ranges: None,
        external_path: None,
        global_index: None,
    };
    IndexManifestEntry { kind, partition: BinaryRow::empty(), bucket, index_file }
}

/// `+name:type:bucket` or `-name:type:bucket`.
fn indexes(text: &str) -> Vec<IndexManifestEntry> {
    let one = |word: &str| {
        let parts: Vec<&str> = word[1..].split(':').collect();
        let kind = if word.starts_with('+') { FileKind::Add } else { FileKind::Delete };
        index(kind, parts[0], parts[1], parts[2].parse().unwrap())
    };
    text.split_whitespace().map(one).collect()
}

#[test]
fn index_manifests() {
    let (fixed, unaware) = (BucketMode::Fixed(2), BucketMode::Unaware);
    let cases = [
        (fixed, "", "+a:HASH:0", Ok("a")),
        (fixed, "+a:HASH:0 +b:HASH:1", "+c:HASH:0", Ok("c b")),
        (fixed, "+a:HASH:0", "+c:DELETION_VECTORS:0", Ok("a c")),
        (fixed, "+a:DELETION_VECTORS:0", "+c:DELETION_VECTORS:0", Ok("c")),
        (fixed, "+a:HASH:0", "-a:HASH:0", Ok("")),
        (fixed, "+a:HASH:0", "+b:HASH:0 -a:HASH:0", Ok("b")),
        (fixed, "", "-a:HASH:0", Ok("")),
        (unaware, "+a:DELETION_VECTORS:0", "+c:DELETION_VECTORS:0", Ok("a c")),
        (unaware, "+a:DELETION_VECTORS:0", "-a:DELETION_VECTORS:0 +c:DELETION_VECTORS:0", Ok("c")),
        (unaware, "+a:DELETION_VECTORS:0", "+a:DELETION_VECTORS:0", Err(ErrorKind::Conflict)),
        (unaware, "", "-a:DELETION_VECTORS:0", Err(ErrorKind::Conflict)),
        (fixed, "+a:btree:0", "+b:btree:0", Ok("a b")),
        (fixed, "+a:btree:0", "-b:btree:0", Err(ErrorKind::Conflict)),
    ];
    for (mode, before, changes, expected) in cases {
        let merged = merge_index(indexes(before), &indexes(changes), mode);
        let names = |entries: Vec<IndexManifestEntry>| {
            entries.into_iter().map(|entry| entry.index_file.file_name).collect::<Vec<_>>().join(" ")
        };
        let found = merged.map(names).map_err(|error| error.kind());
        assert_eq!(found, expected.map(str::to_owned), "{before} then {changes}");
    }
}

/// `+index=file=file` or `-index=file`, of bucket 0 or, with `@1`, of another.
fn vectors(text: &str) -> Vec<IndexManifestEntry> {
    let one = |word: &str| {
        let (word, bucket) = word.split_once('@').map_or((word, 0), |(word, bucket)| (word, bucket.parse().unwrap()));
        let kind = if word.starts_with('+') { FileKind::Add } else { FileKind::Delete };
        let mut names = word[1..].split('=');
        let mut entry = index(kind, names.next().unwrap(), "DELETION_VECTORS", bucket);
        let range = |name: &str| DeletionVectorMeta {
            data_file_name: name.to_owned(),
            offset: 1,
            length: 1,
            cardinality: Some(1),
        };
        entry.index_file.dv_ranges = Some(names.map(range).collect());
        IndexManifestEntry { partition: row(0), ..entry }
    };
    text.split_whitespace().map(one).collect()
}

#[test]
fn conflicts_of_deletion_vectors() {
    let cases = [
        ("+a l5", "", "", "+i=a", "none"),
        ("", "", "", "+i=a", "vector of gone a in i"),
        ("+a l5 b1", "", "", "+i=a", "vector of gone a in i"),
        ("+a l5 b1", "", "", "+i=a@1", "none"),
        ("+a l5 p1", "", "", "+i=a", "vector of gone a in i"),
        // Files of the change itself: gone, new, moved up a level.
        ("+a l5", "-a l5, +b l5", "", "+i=a", "vector of gone a in i"),
        ("+a l5", "-a l5, +b l5", "", "+i=b", "none"),
        ("+a l4", "-a l4, +a l5", "", "+i=a", "none"),
        ("+a l4", "+a l5, -a l4", "", "+i=a", "none"),
        ("+a l5, +b l5", "-b l5", "", "+i=a=b", "vector of gone b in i"),
        // What was said before may be said again, of a file that is gone as well.
        ("", "", "+h=a", "+i=a", "none"),
        ("", "", "+h=a@1", "+i=a", "vector of gone a in i"),
        // Made of the index file that is there, of another one, of one that is gone.
        ("+a l5", "", "+h=a", "-h=a +i=a", "none"),
        ("+a l5", "", "+j=a", "-h=a +i=a", "replaced h by j"),
        ("+a l5", "", "", "-h=a +i=a", "replaced h by nothing"),
        ("+a l5", "", "+h=a@1", "-h=a +i=a", "replaced h by nothing"),
        ("+a l5", "", "+h=a", "-h=a", "none"),
        ("+a l5", "", "+h=a", "+i", "none"),
        // A file goes with its vector.
        ("+a l5", "-a l5, +b l5", "+h=a", "", "unseen a in h"),
        ("+a l5", "-a l5, +b l5", "+h=a", "+i", "none"),
        ("+a l5", "-a l5, +b l5", "+h=a", "+i@1", "unseen a in h"),
        ("+a l5", "-a l5, +b l5", "+h=a@1", "", "none"),
        ("+a l5", "-a l5, +b l5", "+h=c", "", "none"),
        ("+a l4", "-a l4, +a l5", "+h=a", "", "none"),
    ];
    assert_clashes(&cases, IndexFilesOfBucket::One);
}

#[test]
fn conflicts_of_deletion_vectors_without_buckets() {
    let cases = [
        ("+a, +b", "", "+h=a +j=b", "-j=b", "none"),
        ("+a, +b", "", "+h=a +j=b", "-k=b", "replaced k by h"),
        ("+a, +b", "", "+h=a", "+j=b", "none"),
        // A file goes with all of its vectors, and takes no other's with it.
        ("+a, +b", "-a, +c", "+h=a=b", "-h=a=b +i=b", "none"),
        ("+a, +b", "-a, +c", "+h=a=b", "-h=a=b +i=a=b", "none"),
        ("+a, +b", "-a, +c", "+h=a", "", "unseen a in h"),
        ("+a, +b", "-a, +c", "+h=a", "+i=b", "unseen a in h"),
        ("+a, +b", "-a, -b, +c", "+h=a +j=b", "-h=a", "unseen b in j"),
        ("+a, +b", "-a, +c", "+j=b", "", "none"),
        // A file has one vector.
        ("+a, +b", "", "+h=a", "+i=a", "beside a in h"),
        ("+a, +b", "", "+h=a", "-h=a +i=a", "none"),
        ("+a, +b", "", "+h=a=b", "-h=a=b +i=a +j=b", "none"),
        ("+a, +b", "-a, +c", "+h=a +j=b", "-h=a +i=b", "beside b in j"),
        ("+b", "", "", "+i=a", "vector of gone a in i"),
    ];
    assert_clashes(&cases, IndexFilesOfBucket::Many);
}

/// Live files, a change of them, index files before, a change of them, and the clash.
type VectorCase = (&'static str, &'static str, &'static str, &'static str, &'static str);

fn assert_clashes(cases: &[VectorCase], of_bucket: IndexFilesOfBucket) {
    for (there, delta, before, index, expected) in cases.iter().copied() {
        let change = Change { entries: entries(delta), index: vectors(index), ..change() };
        let (base, before_index) = (entries(there), vectors(before));
        let clash = find_vector_clash(base.iter(), &change, &before_index, of_bucket);
        let found = clash.map_or("none".to_owned(), |clash| words(&clash));
        assert_eq!(found, expected, "{delta} {index} onto {there} {before}");
    }
}
