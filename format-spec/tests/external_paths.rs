//! Paths outside of a table, and the options that choose them.

use alluvium_format::options::external_paths::ExternalPaths;
use alluvium_format::{CoreOptions, ErrorKind, ExternalPath, Result};

fn path(text: &str) -> ExternalPath {
    text.parse().unwrap()
}

/// What Paimon writes of each, and of a file below it.
#[test]
fn paths_are_written_as_paimon_writes_them() {
    for (given, written) in [
        ("file:///tmp//x/", "file:/tmp/x"),
        ("file:/tmp/x", "file:/tmp/x"),
        ("FILE:///x", "FILE:/x"),
        ("/tmp/x", "/tmp/x"),
        ("s3://bucket", "s3://bucket"),
        ("s3a://bucket/a b/%2F", "s3a://bucket/a b/%2F"),
        ("hdfs://h:9000/x/", "hdfs://h:9000/x"),
    ] {
        assert_eq!(path(given).to_string(), written);
        assert_eq!(path(given).join("k=1%3A/b").unwrap().to_string(), format!("{written}/k=1%3A/b"));
        assert_eq!(path(&path(given).to_string()), path(written));
    }
    assert_eq!(path("file:/").to_string(), "file:/");
    assert_eq!(path("file:/").join("a").unwrap().to_string(), "file:/a");
}

#[test]
fn what_lies_below_a_folder_is_told_by_segments_of_the_same_store() {
    for (file, folder, below) in [
        ("/a/b/c", "file:///a", Some("b/c")),
        ("file:/a/b", "/a/b", Some("")),
        ("/a/bc", "/a/b", None),
        ("/a", "/a/b", None),
        ("s3a://x/a/b", "S3://x/a", Some("b")),
        ("s3://x/a/b", "s3://x", Some("a/b")),
        ("s3://y/a/b", "s3://x", None),
        ("gs://x/a/b", "s3://x/a", None),
        ("/x/a", "s3://x/a", None),
        ("/a/%2e%2e/c", "/a", Some("%2e%2e/c")),
    ] {
        assert_eq!(path(file).below(&path(folder)).as_deref(), below, "{file} below {folder}");
    }
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    for text in [
        "",
        "a/b",
        "file:a",
        "s3:bucket/a",
        "/a/../b",
        "s3://b/./c",
        "file://host/a",
        ":/a",
        "4:/a",
        "//host/a",
        "/a/\0",
    ] {
        let refused: Result<ExternalPath> = text.parse();
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid, "{text}");
    }
    assert_eq!(path("/a").join("b/../../c").unwrap_err().kind(), ErrorKind::Invalid);
}

fn options(pairs: &[(&str, &str)]) -> CoreOptions {
    CoreOptions::new(
        pairs.iter().map(|(name, value)| (format!("data-file.external-paths{name}"), (*value).to_owned())).collect(),
    )
}

fn paths(pairs: &[(&str, &str)]) -> ExternalPaths {
    options(pairs).external_paths().unwrap().unwrap()
}

/// The folders of the first six files of a writer.
fn folders(paths: &ExternalPaths) -> Vec<String> {
    let path = |number| paths.path_of("bucket-0", ("data-x-0.parquet", number), &format!("data-x-{number}.parquet"));
    (0..6).map(|number| path(number).unwrap().to_string().split("/bucket-0/").next().unwrap().to_owned()).collect()
}

#[test]
fn folders_are_chosen_by_the_strategy() {
    let three = ("", "s3://a/x, gs://b ,file:///c");
    assert_eq!(options(&[three]).external_paths().unwrap(), None);
    assert_eq!(options(&[(".strategy", "round-robin")]).external_paths().unwrap(), None);
    assert_eq!(options(&[three, (".strategy", "NONE")]).external_paths().unwrap(), None);

    let in_turn = folders(&paths(&[three, (".strategy", "round-robin")]));
    let mut each = in_turn[..3].to_vec();
    each.sort();
    assert_eq!((each, &in_turn[..3]), (vec!["file:/c".into(), "gs://b".into(), "s3://a/x".into()], &in_turn[3..]));

    let one = paths(&[three, (".strategy", "specific-fs"), (".specific-fs", "GS")]);
    assert_eq!(folders(&one), ["gs://b"; 6]);

    let heavy = paths(&[three, (".strategy", "weight-robin"), (".weights", "1, 2147483647, 1")]);
    assert_eq!(folders(&heavy), ["gs://b"; 6]);
    let alone = paths(&[("", "s3://a"), (".strategy", "weight-robin"), (".weights", "nonsense")]);
    assert_eq!(folders(&alone), ["s3://a"; 6]);

    let entropy = paths(&[("", "s3://b/x"), (".strategy", "entropy-inject")]);
    let name = "data-10beb32c-e4b5-4964-9f8f-1040ec33fa3f-0.parquet";
    assert_eq!(
        entropy.path_of("dt=1/bucket-0", (name, 0), name).unwrap().to_string(),
        format!("s3://b/x/dt=1/bucket-0/0011/0000/1101/10001111/{name}")
    );
}

#[test]
fn wrong_options_are_named() {
    let three = ("", "s3://a/x,gs://b,file:///c");
    for (pairs, named) in [
        (vec![three, (".strategy", "random")], "external-paths.strategy"),
        (vec![("", "/a"), (".strategy", "round-robin")], "external-paths is"),
        (vec![("", "s3://a,,s3://b"), (".strategy", "round-robin")], "external-paths is"),
        (vec![("", "s3://a/.."), (".strategy", "round-robin")], "external-paths is"),
        (vec![three, (".strategy", "specific-fs")], "specific-fs is missing"),
        (vec![three, (".strategy", "specific-fs"), (".specific-fs", "oss")], "specific-fs is \"oss\""),
        (vec![three, (".strategy", "weight-robin"), (".weights", "1,2")], "weights is \"1,2\""),
        (vec![three, (".strategy", "weight-robin"), (".weights", "1,0,2")], "weights"),
        (vec![three, (".strategy", "weight-robin"), (".weights", "1,x,2")], "weights"),
    ] {
        let error = options(&pairs).external_paths().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(named), "{error} names {named}");
    }
}
