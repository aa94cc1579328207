//! What files are like: formats by level, codecs, statistics.

use super::Draft;

/// The codecs of a format that its readers have.
fn codecs(format: &str) -> &'static [&'static str] {
    match format {
        "parquet" => &["zstd", "lz4", "snappy", "gzip", "none"],
        "orc" => &["zstd", "lz4", "snappy", "zlib", "none"],
        _ => &["zstd", "snappy"],
    }
}

/// The format of data files and of changelog files.
pub(super) fn formats(draft: &mut Draft<'_>) {
    let format = draft.one_of(&["parquet", "parquet", "parquet", "orc", "avro", "per level"]);
    let keyed = !draft.keys.is_empty();
    if format == "per level" && keyed {
        draft.label("format: per level");
        let levels = draft.one_of(&["0:avro", "0:avro,5:orc", "0:orc,3:avro", "5:avro"]);
        draft.set("file.format.per.level", levels);
        if draft.chance(2) {
            draft.set("file.compression.per.level", "0:snappy,5:zstd");
        }
    } else {
        let format = if format == "per level" { "parquet" } else { format };
        draft.label(format!("format: {format}"));
        draft.set("file.format", format);
        if draft.chance(2) {
            // What waits in the postpone bucket is Avro, whatever else is not.
            let avro = draft.is("bucket", "-2");
            let codec = draft.one_of(codecs(if avro { "avro" } else { format }));
            draft.label(format!("codec: {codec}"));
            draft.set("file.compression", codec);
        }
    }
    let changelog = !draft.is("changelog-producer", "none") && keyed;
    if changelog && draft.chance(4) {
        let format = draft.one_of(&["parquet", "orc", "avro"]);
        draft.label("changelog files of their own format");
        draft.set("changelog-file.format", format);
        draft.set("changelog-file.compression", "zstd");
    }
}

/// What manifests say of columns.
pub(super) fn statistics(draft: &mut Draft<'_>) {
    const MODES: [&str; 5] = ["none", "counts", "full", "truncate(2)", "truncate(16)"];
    if draft.chance(2) {
        let mode = draft.one_of(&MODES);
        draft.label(format!("statistics: {mode}"));
        draft.set("metadata.stats-mode", mode);
    }
    if draft.chance(4) {
        let column = draft.one_of(&draft.fields.clone()).0;
        let mode = draft.one_of(&MODES);
        draft.label("statistics: by column");
        draft.set(&format!("fields.{column}.stats-mode"), mode);
    }
    if draft.chance(6) {
        draft.set("metadata.stats-dense-store", false);
    }
    if draft.chance(6) {
        draft.label("statistics: of the first columns");
        draft.set("metadata.stats-keep-first-n-columns", 2);
    }
    if !draft.keys.is_empty() && draft.chance(8) {
        draft.label("statistics: by level");
        draft.set("metadata.stats-mode.per.level", "0:none,5:full");
    }
}
