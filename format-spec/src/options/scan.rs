#![doc = include_str!("../../reading.md")]

use super::notation::parse_duration_millis;
use super::{ChangelogProducer, CoreOptions, MergeEngine, key};
use crate::calendar::MILLIS_PER_DAY;
use crate::data_type::DataType;
use crate::datum::Datum;
use crate::error::{Error, Result, ResultExt};
use crate::schema::TableSchema;
use crate::text_value::from_text;

/// Options that say where a read starts, or what it is between; a mode takes one of them at most.
pub(super) const START_OPTIONS: [&str; 11] = [
    key::SCAN_SNAPSHOT_ID,
    key::SCAN_TAG_NAME,
    key::SCAN_VERSION,
    key::SCAN_WATERMARK,
    key::SCAN_TIMESTAMP,
    key::SCAN_TIMESTAMP_MILLIS,
    key::SCAN_FILE_CREATION_TIME_MILLIS,
    key::SCAN_CREATION_TIME_MILLIS,
    key::INCREMENTAL_BETWEEN,
    key::INCREMENTAL_BETWEEN_TIMESTAMP,
    key::INCREMENTAL_TO_AUTO_TAG,
];
const OF_TIMESTAMP: &[&str] = &[key::SCAN_TIMESTAMP, key::SCAN_TIMESTAMP_MILLIS];
const OF_SNAPSHOT: &[&str] = &[key::SCAN_SNAPSHOT_ID, key::SCAN_TAG_NAME, key::SCAN_WATERMARK, key::SCAN_VERSION];
const OF_FILE_CREATION: &[&str] = &[key::SCAN_FILE_CREATION_TIME_MILLIS];
const OF_CREATION: &[&str] = &[key::SCAN_CREATION_TIME_MILLIS];
const OF_INCREMENTAL: &[&str] =
    &[key::INCREMENTAL_BETWEEN, key::INCREMENTAL_BETWEEN_TIMESTAMP, key::INCREMENTAL_TO_AUTO_TAG];

const SCAN_MODES: &str = "default, latest-full, latest, compacted-full, from-timestamp, from-file-creation-time, \
                          from-creation-timestamp, from-snapshot, from-snapshot-full or incremental";

/// A moment that an option says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanTime {
    /// Milliseconds since 1970.
    Millis(i64),
    /// What the wall clock of the reader shows, in milliseconds since 1970-01-01T00:00 of that clock.
    Local(i64),
}

/// A snapshot that an option says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanSnapshot {
    /// `scan.snapshot-id`.
    Id(i64),
    /// `scan.tag-name`.
    Tag(String),
    /// `scan.watermark`: the first snapshot with this watermark or a later one.
    Watermark(i64),
    /// `scan.version`: a tag, `watermark-<n>` or a snapshot id, whichever there is first.
    Version(String),
}

/// Two ends of a range of changes: what comes after the first up to and including the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncrementalBetween {
    /// `incremental-between`: two tags, or two snapshot ids.
    Versions(String, String),
    /// `incremental-between-timestamp`.
    Times(ScanTime, ScanTime),
    /// `incremental-to-auto-tag`: the tag of the period before this one, and this one.
    ToAutoTag(String),
}

/// What `scan.mode` and the options beside it ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanStartup {
    /// `latest-full`, or `full`.
    LatestFull,
    /// `latest`.
    Latest,
    /// `compacted-full`.
    CompactedFull,
    /// `from-timestamp`.
    FromTimestamp(ScanTime),
    /// `from-file-creation-time`, milliseconds since 1970.
    FromFileCreationTime(i64),
    /// `from-creation-timestamp`, milliseconds since 1970.
    FromCreationTimestamp(i64),
    /// `from-snapshot`.
    FromSnapshot(ScanSnapshot),
    /// `from-snapshot-full`.
    FromSnapshotFull(i64),
    /// `incremental`.
    Incremental(IncrementalBetween),
}

/// `stream-scan-mode`: streams that are not for rows, but for what compacts or mirrors a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamScanMode {
    /// None of them.
    None,
    /// From the last compaction on, the rows of the files that APPEND snapshots add, whatever the changelog producer.
    CompactBucketTable,
    /// All rows, then of every snapshot what its commit took away and what it brought.
    FileMonitor,
}

/// `incremental-between-scan-mode`: where the changes of a range come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncrementalBetweenScanMode {
    /// `delta` where the changelog producer is `none`, and `changelog` otherwise.
    Auto,
    /// From the files that APPEND snapshots add.
    Delta,
    /// From changelog files.
    Changelog,
    /// From the rows before and after.
    Diff,
}

/// `consumer.mode`: when a consumer's position moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerMode {
    /// When the reader says what it has taken care of.
    ExactlyOnce,
    /// By itself, behind what the reader was given.
    AtLeastOnce,
}

impl CoreOptions {
    /// Whether batch reads leave level 0 out: with deletion vectors and `merge-engine = first-row`. Levels above it need no merge then.
    pub fn batch_scan_skip_level0(&self) -> Result<bool> {
        Ok(self.deletion_vectors_enabled()? || self.merge_engine()? == MergeEngine::FirstRow)
    }

    /// What `scan.mode` and the options beside it ask for; `None` when none of them is set.
    ///
    /// # Errors
    /// `Invalid` when the mode lacks its option or has one too many, or an option is wrong.
    pub fn scan_startup(&self) -> Result<Option<ScanStartup>> {
        let mode = self.get(key::SCAN_MODE).map_or_else(|| "default".to_owned(), str::to_ascii_lowercase);
        let startup = match mode.as_str() {
            "default" => match self.default_startup()? {
                Some(startup) => startup,
                None => return Ok(None),
            },
            "full" | "latest-full" => self.without_start(&mode, ScanStartup::LatestFull)?,
            "latest" => self.without_start(&mode, ScanStartup::Latest)?,
            "compacted-full" => self.without_start(&mode, ScanStartup::CompactedFull)?,
            "from-timestamp" => self.start_of_timestamp(self.one_start(&mode, OF_TIMESTAMP)?)?,
            "from-file-creation-time" => self.start_of_file_creation(self.one_start(&mode, OF_FILE_CREATION)?)?,
            "from-creation-timestamp" => self.start_of_creation(self.one_start(&mode, OF_CREATION)?)?,
            "from-snapshot" => self.start_of_snapshot(self.one_start(&mode, OF_SNAPSHOT)?)?,
            "from-snapshot-full" => {
                let name = self.one_start(&mode, &[key::SCAN_SNAPSHOT_ID])?;
                ScanStartup::FromSnapshotFull(self.number(name, 0)?)
            }
            "incremental" => self.incremental_startup(self.one_start(&mode, OF_INCREMENTAL)?)?,
            _ => return Err(self.invalid(key::SCAN_MODE, SCAN_MODES)),
        };
        Ok(Some(startup))
    }

    /// Without a mode, the option that is set says it.
    fn default_startup(&self) -> Result<Option<ScanStartup>> {
        let Some(name) = START_OPTIONS.into_iter().find(|name| self.get(name).is_some()) else { return Ok(None) };
        self.one_start("default", &[name])?;
        let startup = match name {
            _ if OF_SNAPSHOT.contains(&name) => self.start_of_snapshot(name),
            _ if OF_TIMESTAMP.contains(&name) => self.start_of_timestamp(name),
            _ if OF_FILE_CREATION.contains(&name) => self.start_of_file_creation(name),
            _ if OF_CREATION.contains(&name) => self.start_of_creation(name),
            _ => self.incremental_startup(name),
        };
        startup.map(Some)
    }

    fn without_start(&self, mode: &str, startup: ScanStartup) -> Result<ScanStartup> {
        match START_OPTIONS.into_iter().find(|name| self.get(name).is_some()) {
            None => Ok(startup),
            Some(name) => Err(self.conflict(name, &format!("scan.mode = {mode}: leave one of them away"))),
        }
    }

    /// The one of these options that is set, and no other that says where to start.
    fn one_start(&self, mode: &str, wanted: &[&'static str]) -> Result<&'static str> {
        let mut set = START_OPTIONS.into_iter().filter(|name| self.get(name).is_some());
        match (set.next(), set.next()) {
            (Some(name), None) if wanted.contains(&name) => Ok(name),
            (Some(name), Some(other)) => Err(self.conflict(name, &format!("{other}: take one of them"))),
            (Some(name), None) => {
                Err(self.conflict(name, &format!("scan.mode = {mode}, which takes {}", wanted.join(" or "))))
            }
            _ => Err(Error::invalid(format!("scan.mode = {mode} needs the option {}", wanted.join(" or ")))),
        }
    }

    fn start_of_timestamp(&self, name: &str) -> Result<ScanStartup> {
        let time = match name {
            key::SCAN_TIMESTAMP_MILLIS => ScanTime::Millis(self.number(name, 0)?),
            _ => self.local_time(name, self.get(name).unwrap_or_default())?,
        };
        Ok(ScanStartup::FromTimestamp(time))
    }

    fn start_of_file_creation(&self, name: &str) -> Result<ScanStartup> {
        self.number(name, 0).map(ScanStartup::FromFileCreationTime)
    }

    fn start_of_creation(&self, name: &str) -> Result<ScanStartup> {
        self.number(name, 0).map(ScanStartup::FromCreationTimestamp)
    }

    fn start_of_snapshot(&self, name: &str) -> Result<ScanStartup> {
        let text = || self.get(name).unwrap_or_default().to_owned();
        Ok(ScanStartup::FromSnapshot(match name {
            key::SCAN_SNAPSHOT_ID => ScanSnapshot::Id(self.number(name, 0)?),
            key::SCAN_WATERMARK => ScanSnapshot::Watermark(self.number(name, 0)?),
            key::SCAN_TAG_NAME => ScanSnapshot::Tag(text()),
            _ => ScanSnapshot::Version(text()),
        }))
    }

    fn incremental_startup(&self, name: &str) -> Result<ScanStartup> {
        let text = self.get(name).unwrap_or_default();
        if name == key::INCREMENTAL_TO_AUTO_TAG {
            return Ok(ScanStartup::Incremental(IncrementalBetween::ToAutoTag(text.to_owned())));
        }
        let Some((from, to)) = text.split_once(',').filter(|(_, to)| !to.contains(',')) else {
            return Err(self.invalid(name, "two ends with a comma between them, like 3,7"));
        };
        let (from, to) = (from.trim(), to.trim());
        Ok(ScanStartup::Incremental(match name {
            key::INCREMENTAL_BETWEEN => IncrementalBetween::Versions(from.to_owned(), to.to_owned()),
            _ => match (from.parse(), to.parse()) {
                (Ok(from), Ok(to)) => IncrementalBetween::Times(ScanTime::Millis(from), ScanTime::Millis(to)),
                _ => IncrementalBetween::Times(self.local_time(name, from)?, self.local_time(name, to)?),
            },
        }))
    }

    fn local_time(&self, name: &str, text: &str) -> Result<ScanTime> {
        let value = |data_type: &str| from_text(text, &DataType::parse(data_type)?);
        match value("TIMESTAMP(3)").or_else(|_| value("DATE")) {
            Ok(Datum::Timestamp { millis, .. }) => Ok(ScanTime::Local(millis)),
            Ok(Datum::Date(days)) => Ok(ScanTime::Local(i64::from(days) * MILLIS_PER_DAY)),
            _ => Err(self.invalid(name, "a time like 2013-01-31 10:00:00")),
        }
    }

    /// `stream-scan-mode`.
    pub fn stream_scan_mode(&self) -> Result<StreamScanMode> {
        match self.get(key::STREAM_SCAN_MODE).map(str::to_ascii_lowercase).as_deref() {
            None | Some("none") => Ok(StreamScanMode::None),
            Some("compact-bucket-table") => Ok(StreamScanMode::CompactBucketTable),
            Some("file-monitor") => Ok(StreamScanMode::FileMonitor),
            Some(_) => Err(self.invalid(key::STREAM_SCAN_MODE, "none, compact-bucket-table or file-monitor")),
        }
    }

    /// `incremental-between-scan-mode`.
    pub fn incremental_between_scan_mode(&self) -> Result<IncrementalBetweenScanMode> {
        match self.get(key::INCREMENTAL_BETWEEN_SCAN_MODE).map(str::to_ascii_lowercase).as_deref() {
            None | Some("auto") => Ok(IncrementalBetweenScanMode::Auto),
            Some("delta") => Ok(IncrementalBetweenScanMode::Delta),
            Some("changelog") => Ok(IncrementalBetweenScanMode::Changelog),
            Some("diff") => Ok(IncrementalBetweenScanMode::Diff),
            Some(_) => Err(self.invalid(key::INCREMENTAL_BETWEEN_SCAN_MODE, "auto, delta, changelog or diff")),
        }
    }

    /// `incremental-between-tag-to-snapshot`: a range between tags is one between their snapshots.
    pub fn incremental_between_tag_to_snapshot(&self) -> Result<bool> {
        self.flag(key::INCREMENTAL_BETWEEN_TAG_TO_SNAPSHOT)
    }

    /// `scan.bounded.watermark`: a stream ends before the first snapshot with a later watermark.
    pub fn scan_bounded_watermark(&self) -> Result<Option<i64>> {
        self.get(key::SCAN_BOUNDED_WATERMARK).map(|_| self.number(key::SCAN_BOUNDED_WATERMARK, 0)).transpose()
    }

    /// `streaming.read.snapshot.delay`, milliseconds: a stream leaves younger snapshots alone.
    pub fn streaming_read_snapshot_delay_millis(&self) -> Result<Option<u64>> {
        self.duration_millis(key::STREAMING_READ_SNAPSHOT_DELAY)
    }

    /// `continuous.discovery-interval`, milliseconds, an option of Paimon's Flink connector: how long a stream waits between looks for snapshots.
    pub fn continuous_discovery_interval_millis(&self) -> Result<Option<u64>> {
        self.duration_millis(key::CONTINUOUS_DISCOVERY_INTERVAL)
    }

    /// `streaming-read-overwrite`.
    pub fn streaming_read_overwrite(&self) -> Result<bool> {
        self.flag(key::STREAMING_READ_OVERWRITE)
    }

    /// `streaming-read-append-overwrite`.
    pub fn streaming_read_append_overwrite(&self) -> Result<bool> {
        self.flag(key::STREAMING_READ_APPEND_OVERWRITE)
    }

    /// `consumer-id`.
    pub fn consumer_id(&self) -> Option<&str> {
        self.get(key::CONSUMER_ID)
    }

    /// `consumer.mode`.
    pub fn consumer_mode(&self) -> Result<ConsumerMode> {
        match self.get(key::CONSUMER_MODE).map(str::to_ascii_lowercase).as_deref() {
            None | Some("exactly-once") => Ok(ConsumerMode::ExactlyOnce),
            Some("at-least-once") => Ok(ConsumerMode::AtLeastOnce),
            Some(_) => Err(self.invalid(key::CONSUMER_MODE, "exactly-once or at-least-once")),
        }
    }

    /// `consumer.expiration-time`, milliseconds: consumers that did not move for longer are forgotten.
    pub fn consumer_expiration_millis(&self) -> Result<Option<u64>> {
        self.duration_millis(key::CONSUMER_EXPIRATION_TIME)
    }

    /// `consumer.ignore-progress`: a stream starts as if its consumer had no position.
    pub fn consumer_ignore_progress(&self) -> Result<bool> {
        self.flag(key::CONSUMER_IGNORE_PROGRESS)
    }

    fn duration_millis(&self, name: &str) -> Result<Option<u64>> {
        self.get(name).map(|text| parse_duration_millis(text).context(|| format!("the option {name}"))).transpose()
    }

    pub(super) fn validate_scan(&self, schema: &TableSchema) -> Result<()> {
        self.scan_startup()?;
        self.incremental_between_scan_mode()?;
        self.incremental_between_tag_to_snapshot()?;
        self.scan_bounded_watermark()?;
        self.streaming_read_snapshot_delay_millis()?;
        self.continuous_discovery_interval_millis()?;
        self.streaming_read_append_overwrite()?;
        self.consumer_mode()?;
        self.consumer_expiration_millis()?;
        self.consumer_ignore_progress()?;
        let is_monitored = self.stream_scan_mode()? == StreamScanMode::FileMonitor;
        if is_monitored && schema.primary_keys.is_empty() {
            return Err(self.conflict(key::STREAM_SCAN_MODE, "a table without primary key: nothing retracts its rows"));
        }
        if !self.streaming_read_overwrite()? {
            return Ok(());
        }
        let name = key::STREAMING_READ_OVERWRITE;
        if schema.primary_keys.is_empty() {
            return Err(self.conflict(name, "a table without primary key: take streaming-read-append-overwrite"));
        }
        match self.changelog_producer()? {
            ChangelogProducer::None | ChangelogProducer::Input => Ok(()),
            ChangelogProducer::FullCompaction | ChangelogProducer::Lookup => {
                let with = "changelog-producer = full-compaction or lookup: the changes would be read twice";
                Err(self.conflict(name, with))
            }
        }
    }
}
