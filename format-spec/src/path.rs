#![doc = include_str!("../path.md")]

/// The folder of schemas.
pub const SCHEMA_FOLDER: &str = "schema";
/// The folder of snapshots.
pub const SNAPSHOT_FOLDER: &str = "snapshot";
/// The folder of manifests.
pub const MANIFEST_FOLDER: &str = "manifest";
/// The folder of index files.
pub const INDEX_FOLDER: &str = "index";
/// The folder of statistics.
pub const STATISTICS_FOLDER: &str = "statistics";
/// The folder of long-lived changelogs.
pub const CHANGELOG_FOLDER: &str = "changelog";
/// The folder of tags.
pub const TAG_FOLDER: &str = "tag";
/// The folder of consumers.
pub const CONSUMER_FOLDER: &str = "consumer";
/// The folder of branches.
pub const BRANCH_FOLDER: &str = "branch";
/// What the names of files of a schema begin with.
pub const SCHEMA_PREFIX: &str = "schema-";
/// What the names of snapshot files begin with.
pub const SNAPSHOT_PREFIX: &str = "snapshot-";
/// What the names of long-lived changelogs begin with.
pub const CHANGELOG_PREFIX: &str = "changelog-";
/// What the names of tags begin with.
pub const TAG_PREFIX: &str = "tag-";
/// What the names of consumers begin with.
pub const CONSUMER_PREFIX: &str = "consumer-";
/// The hint of the latest snapshot or changelog.
pub const LATEST: &str = "LATEST";
/// The hint of the earliest snapshot or changelog.
pub const EARLIEST: &str = "EARLIEST";
/// The bucket of rows that wait for their bucket.
pub const POSTPONE_BUCKET: i32 = -2;
/// What folders of databases end in.
pub const DATABASE_SUFFIX: &str = ".db";

/// `schema/schema-<id>`.
pub fn schema(id: i64) -> String {
    format!("{SCHEMA_FOLDER}/{SCHEMA_PREFIX}{id}")
}

/// `snapshot/snapshot-<id>`.
pub fn snapshot(id: i64) -> String {
    format!("{SNAPSHOT_FOLDER}/{SNAPSHOT_PREFIX}{id}")
}

/// `changelog/changelog-<id>`.
pub fn changelog(id: i64) -> String {
    format!("{CHANGELOG_FOLDER}/{CHANGELOG_PREFIX}{id}")
}

/// `tag/tag-<name>`.
pub fn tag(name: &str) -> String {
    format!("{TAG_FOLDER}/{TAG_PREFIX}{name}")
}

/// `consumer/consumer-<id>`.
pub fn consumer(id: &str) -> String {
    format!("{CONSUMER_FOLDER}/{CONSUMER_PREFIX}{id}")
}

/// `branch/branch-<name>`.
pub fn branch(name: &str) -> String {
    format!("{BRANCH_FOLDER}/branch-{name}")
}

/// `manifest/<name>`.
pub fn manifest(name: &str) -> String {
    format!("{MANIFEST_FOLDER}/{name}")
}

/// `bucket-<b>`, or `bucket-postpone`.
pub fn bucket(bucket: i32) -> String {
    if bucket == POSTPONE_BUCKET { "bucket-postpone".to_owned() } else { format!("bucket-{bucket}") }
}

/// The number of `<prefix><number>`.
pub fn number_after(name: &str, prefix: &str) -> Option<i64> {
    let digits = name.strip_prefix(prefix)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) { None } else { digits.parse().ok() }
}

/// The format of a data file: the last extension of its name, or the one before it when that is a codec's.
pub fn file_format(name: &str) -> Option<&str> {
    let (rest, extension) = name.rsplit_once('.')?;
    let is_codec =
        matches!(extension, "zstd" | "zst" | "gz" | "gzip" | "snappy" | "lz4" | "lz4_raw" | "bz2" | "deflate");
    if is_codec { rest.rsplit_once('.').map(|(_, format)| format) } else { Some(extension) }
}
