//! Where an ingest goes on: the position in its inputs, kept in the properties of each snapshot it makes.
//!
//! Goes in: the inputs, and a position or the properties of the user's last commit. Comes out: the other of the two. Invariant: the
//! position of other inputs is never taken: rows would be skipped. Standard input has no position, as it cannot be read again.

use std::collections::BTreeMap;

use alluvium::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::input::Position;

const INPUTS: &str = "alluvium.ingest.inputs";
const POSITION: &str = "alluvium.ingest.position";

/// The inputs of an ingest as a later run knows them again: absolute paths in order. `None` when one of them is standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputNames(Option<Vec<String>>);

impl InputNames {
    /// Of the arguments.
    pub(crate) fn of_paths(paths: &[String]) -> Self {
        let absolute = |path: &String| {
            let absolute = (path != "-").then(|| std::path::absolute(path).ok())??;
            Some(absolute.to_string_lossy().into_owned())
        };
        Self(paths.iter().map(absolute).collect())
    }

    /// Of one input that is the same wherever it lies.
    pub(crate) fn of_name(name: &str) -> Self {
        Self(Some(vec![name.to_owned()]))
    }

    /// The properties of a commit that holds everything before `position`.
    pub(crate) fn properties(&self, position: Position) -> BTreeMap<String, String> {
        let Some(names) = &self.0 else { return BTreeMap::new() };
        let position = json!({ "file": position.file, "row": position.row });
        BTreeMap::from([(INPUTS.to_owned(), json!(names).to_string()), (POSITION.to_owned(), position.to_string())])
    }

    /// The position that the last commit had reached in these inputs; `None` when it was not of these.
    ///
    /// # Errors
    /// `Corrupt` when it is none: guessing would skip rows or repeat them.
    pub(crate) fn position(&self, properties: &BTreeMap<String, String>) -> Result<Option<Position>> {
        let (Some(names), Some(of)) = (&self.0, properties.get(INPUTS)) else { return Ok(None) };
        let ours = json!(names).to_string();
        if *of != ours {
            return Ok(None);
        }
        let text = properties.get(POSITION).map_or("", String::as_str);
        let wrong = || {
            let message = format!("the snapshot's property {POSITION} is {text:?}, which is no position of an ingest");
            Error::new(ErrorKind::Corrupt, message)
        };
        let value: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let file = value["file"].as_u64().and_then(|file| usize::try_from(file).ok()).ok_or_else(wrong)?;
        let row = value["row"].as_u64().ok_or_else(wrong)?;
        Ok(Some(Position { file, row }))
    }
}

#[cfg(test)]
mod tests {
    use super::{InputNames, POSITION};
    use crate::input::Position;

    fn names(paths: &[&str]) -> InputNames {
        InputNames::of_paths(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_same_inputs_go_on() {
        let position = Position { file: 1, row: 7 };
        let properties = names(&["a", "b"]).properties(position);
        assert_eq!(names(&["a", "b"]).position(&properties).unwrap(), Some(position));
        assert_eq!(names(&["./a", "b"]).position(&properties).unwrap(), Some(position), "the same file");
        for other in [&["b", "a"][..], &["a"], &["a", "b", "c"], &["-"]] {
            assert_eq!(names(other).position(&properties).unwrap(), None, "{other:?}");
        }
    }

    #[test]
    fn standard_input_has_no_position() {
        assert!(names(&["a", "-"]).properties(Position::default()).is_empty());
    }

    #[test]
    fn a_broken_position_is_an_error() {
        let mut properties = names(&["a"]).properties(Position::default());
        properties.insert(POSITION.to_owned(), "{\"file\":-1,\"row\":2}".to_owned());
        assert!(names(&["a"]).position(&properties).is_err());
    }
}
