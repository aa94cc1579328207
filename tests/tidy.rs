//! The house style as a test: file and function lengths, names, banned words, module documentation.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 1000;
const FUNCTION_LINES_MAX: usize = 70;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the tree below `folder` that git would keep, by its ending.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "lib" | ".git" | "golden" | "node_modules" | "warehouse") {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(root(), ".rs", &mut found);
    assert!(found.len() > 50, "the walk lost the tree: {} files", found.len());
    found
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "benches" | "examples")))
        || path.file_stem().is_some_and(|stem| stem == "tests")
}

/// The lines before a file's inline tests.
fn production(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").collect()
}

fn report(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn files_are_short() {
    let mut found = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let lines = production(&text).len();
        if lines > FILE_LINES_MAX {
            found.push(format!("{}: {lines} lines, {FILE_LINES_MAX} at most: split it by noun", shown(&path)));
        }
    }
    report("files too long", &found);
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    for path in rust_files().iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(path).unwrap();
        let lines = production(&text);
        let mut start: Option<(usize, usize)> = None;
        for (number, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            match start {
                None if is_function(line) && !line.trim_end().ends_with(';') && !line.trim_end().ends_with('}') => {
                    start = Some((number, indent));
                }
                Some((first, at)) if indent == at && line.trim_start().starts_with('}') => {
                    let length = number - first + 1;
                    if length > FUNCTION_LINES_MAX {
                        found.push(format!("{}:{}: {length} lines", shown(path), first + 1));
                    }
                    start = None;
                }
                _ => {}
            }
        }
    }
    report("functions too long (70 lines): split them by what they decide and what they do", &found);
}

fn is_function(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.iter().take(5).any(|word| *word == "fn") && !line.trim_start().starts_with("//")
}

#[test]
fn every_module_says_what_it_is() {
    let mut found = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        if !first.starts_with("//!") && !first.starts_with("#![doc") {
            found.push(shown(&path));
        }
    }
    report("modules that do not open with //!", &found);
}

#[test]
fn names_say_something() {
    let vague = ["util", "utils", "common", "helper", "helpers", "misc", "manager"];
    let mut found = Vec::new();
    for path in rust_files() {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if vague.contains(&stem.as_str()) || stem.ends_with("_v2") {
            found.push(shown(&path));
        }
    }
    report("vague names", &found);
}

#[test]
fn nothing_is_left_behind() {
    // Put together here so that this file does not name them.
    let marks = ["to", "fix", "ha"].iter().zip(["do!(", "me", "ck"]).map(|(a, b)| format!("{a}{b}"));
    let mut words: Vec<String> = marks.map(|word| word.to_uppercase()).collect();
    words[0] = words[0].to_lowercase();
    words.extend(["unimplem", "db"].iter().zip(["ented!(", "g!("]).map(|(a, b)| format!("{a}{b}")));
    let mut found = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
            }
        }
    }
    report("left behind", &found);
}

/// Two versions would be two incompatible `RecordBatch` or `ObjectStore` types.
#[test]
fn the_lock_has_one_version_of_what_is_in_signatures() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let field =
        |line: &str, name: &str| line.strip_prefix(name).map(|rest| rest.trim_matches([' ', '=', '"']).to_owned());
    let mut found = Vec::new();
    for (name, wanted) in
        [("arrow-array", "59."), ("arrow-schema", "59."), ("parquet", "59."), ("object_store", "0.13.")]
    {
        let packages =
            lock.split("[[package]]").filter(|p| p.lines().any(|l| field(l, "name").as_deref() == Some(name)));
        let versions: Vec<String> = packages.flat_map(|p| p.lines().find_map(|l| field(l, "version"))).collect();
        if versions.len() != 1 || !versions[0].starts_with(wanted) {
            found.push(format!("{name}: {versions:?}, wanted one {wanted}x"));
        }
    }
    report("the lock", &found);
}

#[test]
fn golden_files_name_their_origin() {
    let mut found = Vec::new();
    for folder in ["tests/golden", "format-spec/golden", "store/tests/golden"] {
        let folder = root().join(folder);
        if folder.exists() && !folder.join("README.md").exists() {
            found.push(shown(&folder));
        }
    }
    report("golden folders without a README.md that names their origin", &found);
}
