//! Where new data files go that do not go into the table's folder: `data-file.external-paths`.
//!
//! Goes in: the options, and the name of a new file. Comes out: its path. Answers to `org.apache.paimon.fs.ExternalPathProvider` and its
//! implementations. What Java draws at random is taken from the file's name here, which is as random: paths are a function of names.

use super::{CoreOptions, key};
use crate::error::{Error, Result};
use crate::external_path::ExternalPath;
use crate::murmur;

/// Bits of a file name's hash that become folders, four of them to a folder but for the last.
const ENTROPY_BITS: usize = 20;
/// The bits of the first three folders.
const ENTROPY_FOLDER_BITS: usize = 4;

/// The folders outside of the table, and how one of them is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalPaths {
    /// Never empty.
    folders: Vec<ExternalPath>,
    choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    /// One after the other.
    InTurn,
    /// One after the other, with folders from the hash of the file's name below it: stores split their load by prefixes.
    EntropyInject,
    /// By weight; one weight for each folder.
    Weighted(Vec<u32>),
}

impl CoreOptions {
    /// `data-file.external-paths` with `.strategy`, `.specific-fs` and `.weights`; `None` when files go into the table's folder.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong, or no path is left.
    pub fn external_paths(&self) -> Result<Option<ExternalPaths>> {
        let strategy = self.get(key::DATA_FILE_EXTERNAL_PATHS_STRATEGY).map(str::to_ascii_lowercase);
        let strategy = strategy.as_deref().unwrap_or("none");
        if !matches!(strategy, "none" | "specific-fs" | "round-robin" | "entropy-inject" | "weight-robin") {
            let wanted = "none, specific-fs, round-robin, entropy-inject or weight-robin";
            return Err(self.invalid(key::DATA_FILE_EXTERNAL_PATHS_STRATEGY, wanted));
        }
        let given = self.get(key::DATA_FILE_EXTERNAL_PATHS).filter(|given| !given.is_empty());
        let Some(given) = given.filter(|_| strategy != "none") else { return Ok(None) };
        let mut folders = given.split(',').map(|path| self.external_folder(path)).collect::<Result<Vec<_>>>()?;
        if strategy == "specific-fs" {
            let name = key::DATA_FILE_EXTERNAL_PATHS_SPECIFIC_FS;
            let wanted = self.get(name).ok_or_else(|| {
                Error::invalid(format!(
                    "the option {name} is missing: the strategy specific-fs needs the scheme of the paths"
                ))
            })?;
            folders.retain(|folder| folder.scheme().is_some_and(|scheme| scheme.eq_ignore_ascii_case(wanted)));
            if folders.is_empty() {
                return Err(self.invalid(name, "the scheme of one of data-file.external-paths"));
            }
        }
        let choice = match strategy {
            "entropy-inject" => Choice::EntropyInject,
            "weight-robin" => self.external_weights(folders.len())?.map_or(Choice::InTurn, Choice::Weighted),
            _ => Choice::InTurn,
        };
        Ok(Some(ExternalPaths { folders, choice }))
    }

    fn external_folder(&self, text: &str) -> Result<ExternalPath> {
        let wanted = "paths with their schemes, like s3://bucket/data, with commas between them";
        let folder: ExternalPath =
            text.trim().parse().map_err(|_| self.invalid(key::DATA_FILE_EXTERNAL_PATHS, wanted))?;
        if folder.scheme().is_none() {
            return Err(self.invalid(key::DATA_FILE_EXTERNAL_PATHS, wanted));
        }
        Ok(folder)
    }

    /// `data-file.external-paths.weights`; of one path there is nothing to weigh.
    fn external_weights(&self, folders: usize) -> Result<Option<Vec<u32>>> {
        let name = key::DATA_FILE_EXTERNAL_PATHS_WEIGHTS;
        let Some(text) = self.get(name).filter(|_| folders > 1) else { return Ok(None) };
        let weights = text
            .split(',')
            .map(|weight| weight.trim().parse().ok().filter(|weight| (1..=i32::MAX.cast_unsigned()).contains(weight)));
        match weights.collect::<Option<Vec<u32>>>() {
            Some(weights) if weights.len() == folders => Ok(Some(weights)),
            _ => Err(self
                .invalid(name, format!("{folders} whole numbers above 0 with commas between them, one for each path"))),
        }
    }

    /// `global-index.external-path`: where index files go that do not go into the folder `index`.
    ///
    /// # Errors
    /// `Invalid` when it is no path with its scheme.
    pub fn index_external_path(&self) -> Result<Option<ExternalPath>> {
        let name = key::GLOBAL_INDEX_EXTERNAL_PATH;
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let folder: Option<ExternalPath> = text.parse().ok();
        let folder = folder.filter(|folder| folder.scheme().is_some());
        folder.map(Some).ok_or_else(|| self.invalid(name, "a path with its scheme, like s3://bucket/index"))
    }
}

impl ExternalPaths {
    /// The folders that files may go to.
    pub fn folders(&self) -> &[ExternalPath] {
        &self.folders
    }

    /// The path of file `number` of a writer whose first file is called `first`: `name`, below `bucket_path`, the bucket's folder relative to
    /// the table's.
    ///
    /// # Errors
    /// `Invalid` when the folder or the name has segments that a path cannot have.
    pub fn path_of(&self, bucket_path: &str, (first, number): (&str, usize), name: &str) -> Result<ExternalPath> {
        let in_turn = || {
            let start = usize::try_from(murmur::hash_standard(first.as_bytes())).unwrap_or_default();
            start.wrapping_add(number) % self.folders.len().max(1)
        };
        let (folder, entropy) = match &self.choice {
            Choice::InTurn => (in_turn(), String::new()),
            Choice::EntropyInject => (in_turn(), format!("{}/", entropy_folders(name))),
            Choice::Weighted(weights) => (weighted(weights, name), String::new()),
        };
        let folder = self.folders.get(folder).or(self.folders.first());
        let folder = folder.ok_or_else(|| Error::internal("external paths without a folder"))?;
        folder.join(&format!("{bucket_path}/{entropy}{name}"))
    }
}

/// `0101/1001/0010/10110001`: the last bits of the name's hash.
fn entropy_folders(name: &str) -> String {
    let bits = format!("{:032b}", murmur::hash_standard(name.as_bytes()));
    let bits = bits.get(bits.len().saturating_sub(ENTROPY_BITS)..).unwrap_or_default();
    let mut folders = String::new();
    for (at, bit) in bits.chars().enumerate() {
        if at > 0 && at % ENTROPY_FOLDER_BITS == 0 && at <= 3 * ENTROPY_FOLDER_BITS {
            folders.push('/');
        }
        folders.push(bit);
    }
    folders
}

/// The index of the weight that the hash of the name falls to.
fn weighted(weights: &[u32], name: &str) -> usize {
    let total: u64 = weights.iter().copied().map(u64::from).sum();
    let hash = u64::from(murmur::hash_standard(name.as_bytes()));
    let drawn = u64::try_from((u128::from(hash) * u128::from(total)) >> 32).unwrap_or_default();
    let mut behind = 0;
    weights
        .iter()
        .position(|weight| {
            behind += u64::from(*weight);
            drawn < behind
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_four_folders_of_the_hash() {
        for (name, folders) in [
            ("", "0000/0000/0000/00000000"),
            ("a", "0101/0110/1001/10110010"),
            ("ab", "1111/1101/0111/01011111"),
            ("abc", "1101/1001/0011/11111010"),
            ("abcd", "1101/0110/0111/01101010"),
            ("data-10beb32c-e4b5-4964-9f8f-1040ec33fa3f-0.parquet", "0011/0000/1101/10001111"),
        ] {
            assert_eq!(entropy_folders(name), folders, "as Paimon has it for {name:?}");
        }
    }

    #[test]
    fn weights_are_obeyed() {
        let mut drawn = [0_usize; 3];
        for number in 0..6000 {
            drawn[weighted(&[1, 2, 3], &format!("data-{number}.parquet"))] += 1;
        }
        for (drawn, weight) in drawn.into_iter().zip(1..) {
            assert!(drawn.abs_diff(1000 * weight) < 150, "{drawn} of {weight} in 6");
        }
    }
}
