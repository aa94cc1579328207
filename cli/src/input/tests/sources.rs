//! Packings, several inputs, going on after a position, and pipes.

use std::fs;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::{InputFormat, Position, RowReader};
use super::{options, read_all, schema, shown};

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|id| format!("{{\"id\":{id},\"name\":\"row number {id}\"}}\n")).collect()
}

const COLUMNS: [(&str, &str); 2] = [("id", "INT"), ("name", "STRING")];

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).unwrap()
}

fn written(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn packed_files_of_many_parts_read_as_plain_ones() {
    let folder = tempfile::tempdir().unwrap();
    // More than a buffer, cut in the middle of a line.
    let text = lines(0..20_000);
    let (first, second) = text.split_at(333_333);
    let plain = written(&folder, "a.ndjson", text.as_bytes());
    let gz = written(&folder, "b.ndjson.gz", &[gzip(first), gzip(second)].concat());
    let zst = written(&folder, "c.ndjson.zst", &[zstandard(first), zstandard(second)].concat());
    let read = |path: &PathBuf| read_all(&[path], &schema(&COLUMNS), options(None));
    let wanted = read(&plain);
    assert_eq!((wanted.0.len(), &wanted.1), (20_000, &None));
    assert_eq!(read(&gz), wanted);
    assert_eq!(read(&zst), wanted);
}

#[test]
fn packed_files_that_are_cut_or_damaged_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let text = lines(0..20_000);
    for (name, packed) in [("b.ndjson.gz", gzip(&text)), ("c.ndjson.zst", zstandard(&text))] {
        let cut = written(&folder, name, &packed[..packed.len() / 2]);
        let (rows, error) = read_all(&[&cut], &schema(&COLUMNS), options(None));
        assert!(!rows.is_empty() && rows.len() < 20_000, "{name}: {}", rows.len());
        assert!(error.as_ref().is_some_and(|error| error.contains(name)), "{name}: {error:?}");
        let other = written(&folder, name, text.as_bytes());
        assert!(read_all(&[&other], &schema(&COLUMNS), options(None)).1.is_some(), "{name}");
    }
}

#[test]
fn reading_goes_on_after_every_position() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        written(&folder, "a.ndjson", lines(0..3).replace("}\n", "}\n\n").as_bytes()),
        written(&folder, "b.csv", b"name,id\nx,3\n\"two\nlines\",4\n"),
        written(&folder, "empty.csv", b""),
        written(&folder, "c.ndjson.gz", &gzip(&lines(5..8))),
    ];
    let names: Vec<String> = paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    let schema = schema(&COLUMNS);
    let open = || RowReader::open(&names, Arc::clone(&schema), options(None)).unwrap();
    let mut reader = open();
    let total = reader.progress().bytes_total().unwrap();
    let mut places = vec![(Position::default(), 0)];
    let mut all = Vec::new();
    while let Some(batch) = reader.next_batch(1).unwrap() {
        all.extend(shown(&batch, &schema));
        places.push((batch.position, all.len()));
    }
    assert_eq!(all.len(), 8);
    assert_eq!(reader.progress().bytes_read(), total);
    for (position, before) in places {
        let mut reader = open();
        reader.seek(position).unwrap();
        let mut rest = Vec::new();
        while let Some(batch) = reader.next_batch(100).unwrap() {
            rest.extend(shown(&batch, &schema));
        }
        assert_eq!(rest, all[before..], "after {position:?}");
        assert_eq!(reader.progress().bytes_read(), total, "after {position:?}");
    }
    for position in [Position { file: 0, row: 4 }, Position { file: 5, row: 0 }] {
        assert!(open().seek(position).is_err(), "{position:?}");
    }
}

/// A row that has arrived comes out while the pipe is open and no more is in it.
fn trickle(name: &str, pieces: &[(Vec<u8>, usize)]) {
    let (reading, mut writing) = io::pipe().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::os::unix::fs::symlink(format!("/proc/self/fd/{}", reading.as_raw_fd()), &path).unwrap();
    let schema = schema(&COLUMNS);
    let paths = [path.to_str().unwrap().to_owned()];
    let mut reader = RowReader::open(&paths, Arc::clone(&schema), options(Some(InputFormat::Ndjson))).unwrap();
    assert_eq!(reader.progress().bytes_total(), None);
    let mut rows = 0;
    for (piece, wanted) in pieces {
        writing.write_all(piece).unwrap();
        // Blocks for ever if the row is held back.
        while rows < *wanted {
            rows += reader.next_batch(1000).unwrap().unwrap().rows.num_rows();
        }
        assert_eq!(rows, *wanted, "{name}");
    }
    drop(writing);
    assert!(reader.next_batch(1000).unwrap().is_none());
}

#[test]
fn a_pipe_is_read_as_it_comes() {
    trickle("in", &[(b"{\"id\":1}\n".to_vec(), 1), (b"{\"id\":2}\n{\"id\"".to_vec(), 2), (b":3}\n".to_vec(), 3)]);
}

#[test]
fn a_packed_pipe_is_read_as_it_comes() {
    let whole = |rows| lines(rows);
    let (first, second) = (gzip(&whole(0..2)), gzip(&whole(2..5)));
    let (head, tail) = second.split_at(7);
    trickle("in.gz", &[(first, 2), (head.to_vec(), 2), (tail.to_vec(), 5)]);
    let (first, second) = (zstandard(&whole(0..2)), zstandard(&whole(2..5)));
    let (head, tail) = second.split_at(7);
    trickle("in.zst", &[(first, 2), (head.to_vec(), 2), (tail.to_vec(), 5)]);
}
