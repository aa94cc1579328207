//! How a unit is compacted: which sections are merged and rewritten, which files move to their level unread.
//!
//! Goes in: a [`CompactUnit`] and the rules of the table. Comes out: steps in key order. Invariants: every file of the unit is in one
//! step, or lies on the output level already and stays; sections that are rewritten together are adjacent, as rewriting over a file
//! that stays would break the order of the run. Answers to `org.apache.paimon.mergetree.compact.MergeTreeCompactTask` and
//! `FileRewriteCompactTask`.

use std::collections::HashSet;

use alluvium_format::{DataFileMeta, DataType, Result};
use alluvium_merge_tree::{Section, SortedRun, interval_partition};

use super::full::Rewriting;
use super::rewriter_kind::{Pass, RewriterKind, UpgradeStrategy};
use super::unit::{CompactUnit, DeletionMode, Retractions, UnitTask};

/// What the plan of a compaction goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactRules {
    /// Files of fewer bytes are rewritten together with their neighbours: see [`CompactRules::small_file_bytes_of`].
    pub small_file_bytes: i64,
    /// The highest level of the bucket.
    pub max_level: i32,
    /// What becomes of records that retract: see [`Retractions::of`].
    pub retractions: Retractions,
    /// `compaction.force-rewrite-all-files`.
    pub rewriting: Rewriting,
    /// What is done besides merging.
    pub rewriter: RewriterKind,
    /// Files with rows that are too old: they are rewritten.
    pub expired: HashSet<String>,
}

impl CompactRules {
    /// The limit of a small file: 70 % of the target size, in Java's whole numbers.
    pub fn small_file_bytes_of(target_file_bytes: u64) -> i64 {
        i64::try_from(target_file_bytes / 10 * 7).unwrap_or(i64::MAX)
    }
}

/// What to do, in key order.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactPlan {
    /// One after the other.
    pub steps: Vec<CompactStep>,
    /// The level of every file that comes out.
    pub output_level: i32,
}

/// A part of a compaction.
#[derive(Clone, Debug, PartialEq)]
pub enum CompactStep {
    /// Merge each section and write them one behind the other, as one rolling output.
    Rewrite {
        /// In key order.
        sections: Vec<Section>,
        /// How they are gone through.
        pass: Pass,
        /// What becomes of records that retract.
        retractions: Retractions,
    },
    /// Move the file to the output level by its metadata.
    Upgrade {
        /// The file.
        file: Box<DataFileMeta>,
        /// Whether its records are gone through.
        pass: Pass,
    },
}

impl CompactPlan {
    /// The plan of `unit`. `Corrupt` when the key range of a file cannot be decoded.
    pub fn of(unit: CompactUnit, key_types: &[DataType], rules: &CompactRules) -> Result<Self> {
        let mut planner = Planner { rules, output_level: unit.output_level, candidates: Vec::new(), steps: Vec::new() };
        match unit.task {
            UnitTask::RewriteEach => unit.files.into_iter().for_each(|file| planner.rewrite_alone(file)),
            UnitTask::Merge => {
                for section in interval_partition(unit.files, key_types)? {
                    planner.add(section);
                }
                planner.flush();
            }
        }
        Ok(Self { steps: planner.steps, output_level: unit.output_level })
    }
}

struct Planner<'a> {
    rules: &'a CompactRules,
    output_level: i32,
    /// Sections to rewrite together.
    candidates: Vec<Section>,
    steps: Vec<CompactStep>,
}

impl Planner<'_> {
    fn add(&mut self, section: Section) {
        if section.runs.len() > 1 {
            self.candidates.push(section);
            return;
        }
        for file in section.runs.into_iter().flat_map(SortedRun::into_files) {
            if file.file_size < self.rules.small_file_bytes {
                self.candidates.push(alone(file));
            } else {
                self.flush();
                self.upgrade(file);
            }
        }
    }

    /// Rewrites the candidates; when they are but one run, upgrades its files.
    fn flush(&mut self) {
        let candidates = std::mem::take(&mut self.candidates);
        match &candidates[..] {
            [] => {}
            [section] if section.runs.len() == 1 => {
                let runs = candidates.into_iter().flat_map(|section| section.runs);
                runs.flat_map(SortedRun::into_files).for_each(|file| self.upgrade(file));
            }
            _ => self.rewrite(candidates),
        }
    }

    fn upgrade(&mut self, file: DataFileMeta) {
        let may_hold_deletes = file.delete_row_count != Some(0);
        let to_top = self.output_level == self.rules.max_level;
        let must_be = self.rules.rewriting == Rewriting::AllFiles || self.rules.expired.contains(&file.file_name);
        if (to_top && may_hold_deletes) || must_be {
            self.rewrite_alone(file);
        } else if file.level != self.output_level {
            let rewriter = &self.rules.rewriter;
            match rewriter.upgrade_strategy(&file, self.output_level, self.rules.max_level) {
                UpgradeStrategy::NoRewrite(pass) => {
                    self.steps.push(CompactStep::Upgrade { file: Box::new(file), pass });
                }
                UpgradeStrategy::Rewrite => {
                    // Not the rule of the plan: only where deletion vectors delete are records that retract needed no more.
                    let retractions = match rewriter.deletion_mode() {
                        DeletionMode::Vectors => Retractions::Dropped,
                        DeletionMode::Records => Retractions::Kept,
                    };
                    let sections = vec![alone(file)];
                    self.steps.push(CompactStep::Rewrite { sections, pass: Pass::Tracked, retractions });
                }
            }
        }
    }

    fn rewrite_alone(&mut self, file: DataFileMeta) {
        self.rewrite(vec![alone(file)]);
    }

    fn rewrite(&mut self, sections: Vec<Section>) {
        let pass = self.rules.rewriter.pass_of(&sections, self.output_level, self.rules.max_level);
        self.steps.push(CompactStep::Rewrite { sections, pass, retractions: self.rules.retractions });
    }
}

fn alone(file: DataFileMeta) -> Section {
    Section { runs: vec![SortedRun::single(file)] }
}
