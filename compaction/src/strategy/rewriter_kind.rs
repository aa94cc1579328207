//! What the compactions of a table do besides merging: which of them find out what their records change, and which files must be
//! rewritten to move up.
//!
//! Goes in: a file or sections, and the level they go to. Comes out: how they are gone through. For example a file of level 0 of a
//! `partial-update` table with `changelog-producer = lookup` is rewritten to move to level 4, since its rows are completed by those
//! above, and is only read to move to the highest level, 5. Answers to the rules of `ChangelogMergeTreeRewriter`,
//! `FullChangelogMergeTreeCompactRewriter` and `LookupMergeTreeCompactRewriter`.

use alluvium_format::options::CoreOptions;
use alluvium_format::{ChangelogProducer, DataFileMeta, MergeEngine, Result};
use alluvium_merge_tree::Section;

use super::unit::DeletionMode;

/// How records are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// They are merged, or not even read.
    Plain,
    /// What they change is found out too: for changelog, for deletion vectors, or to complete them.
    Tracked,
}

/// How a file moves up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeStrategy {
    /// By its metadata.
    NoRewrite(Pass),
    /// It is rewritten, and what its records change is found out.
    Rewrite,
}

/// Which rewriter a table has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriterKind {
    /// Merging is all.
    Plain,
    /// `changelog-producer = full-compaction`.
    FullChangelog,
    /// Tables that look up: `changelog-producer = lookup`, deletion vectors, `first-row`, `force-lookup`.
    Lookup(LookupRules),
}

/// The rules of a table that looks up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupRules {
    /// Whether changes are written: `changelog-producer = lookup`.
    pub writes_changelog: bool,
    /// How older rows are deleted.
    pub deletion_mode: DeletionMode,
    /// `merge-engine`.
    pub engine: MergeEngine,
    /// Whether the table has a `sequence.field`.
    pub has_sequence_field: bool,
    /// The file format of each level.
    pub formats: Vec<String>,
}

impl RewriterKind {
    /// That of a table.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn new(options: &CoreOptions) -> Result<Self> {
        if options.changelog_producer()? == ChangelogProducer::FullCompaction {
            return Ok(Self::FullChangelog);
        }
        if !options.need_lookup()? {
            return Ok(Self::Plain);
        }
        let vectors = options.deletion_vectors_enabled()?;
        let levels = i32::try_from(options.num_levels()?).unwrap_or(i32::MAX);
        Ok(Self::Lookup(LookupRules {
            writes_changelog: options.changelog_producer()? == ChangelogProducer::Lookup,
            deletion_mode: if vectors { DeletionMode::Vectors } else { DeletionMode::Records },
            engine: options.merge_engine()?,
            has_sequence_field: !options.sequence_fields().is_empty(),
            formats: (0..levels).map(|level| options.file_format(level)).collect::<Result<_>>()?,
        }))
    }

    /// How older rows are deleted.
    pub fn deletion_mode(&self) -> DeletionMode {
        match self {
            Self::Plain | Self::FullChangelog => DeletionMode::Records,
            Self::Lookup(rules) => rules.deletion_mode,
        }
    }

    /// How sections are rewritten to `output_level`.
    pub fn pass_of(&self, sections: &[Section], output_level: i32, max_level: i32) -> Pass {
        let mut files = sections.iter().flat_map(Section::files);
        let is_tracked = match self {
            Self::Plain => false,
            // What is on the highest level alone changes nothing.
            Self::FullChangelog => output_level == max_level && files.any(|file| file.level != max_level),
            Self::Lookup(_) => output_level != 0 && files.any(|file| file.level == 0),
        };
        if is_tracked { Pass::Tracked } else { Pass::Plain }
    }

    /// How `file` moves up to `output_level`.
    pub fn upgrade_strategy(&self, file: &DataFileMeta, output_level: i32, max_level: i32) -> UpgradeStrategy {
        match self {
            Self::FullChangelog if output_level == max_level => UpgradeStrategy::NoRewrite(Pass::Tracked),
            Self::Plain | Self::FullChangelog => UpgradeStrategy::NoRewrite(Pass::Plain),
            Self::Lookup(rules) => rules.upgrade_strategy(file, output_level, max_level),
        }
    }
}

impl LookupRules {
    fn upgrade_strategy(&self, file: &DataFileMeta, output_level: i32, max_level: i32) -> UpgradeStrategy {
        if file.level != 0 {
            return UpgradeStrategy::NoRewrite(Pass::Plain);
        }
        let has_vectors = self.deletion_mode == DeletionMode::Vectors;
        // Where deletion vectors delete, no record that retracts may stay.
        let must_shed = has_vectors && file.delete_row_count != Some(0);
        if self.format(file.level) != self.format(output_level) || must_shed {
            return UpgradeStrategy::Rewrite;
        }
        let is_top = output_level == max_level;
        // Records that others complete are written anew, complete; the last record of deduplicate is so already.
        if !is_top && (self.engine != MergeEngine::Deduplicate || self.has_sequence_field) {
            return UpgradeStrategy::Rewrite;
        }
        let finds_deletions = has_vectors && !is_top;
        let is_tracked = self.writes_changelog || finds_deletions;
        UpgradeStrategy::NoRewrite(if is_tracked { Pass::Tracked } else { Pass::Plain })
    }

    fn format(&self, level: i32) -> Option<&String> {
        usize::try_from(level).ok().and_then(|level| self.formats.get(level).or(self.formats.last()))
    }
}
