//! How rows come to buckets: fixed with Paimon's bucket functions, dynamic, postpone, across partitions; append tables with and without.

use serde_json::json;

use super::{Draft, OrderedBy};

/// The type of the column `k`, which buckets go by.
pub(super) fn key_type(draft: &mut Draft<'_>) {
    let types = ["INT", "INT", "INT", "BIGINT", "STRING", "DECIMAL(20, 3)", "TIMESTAMP(3)", "DATE", "VARBINARY(6)"];
    // Paimon's lookups cannot compare binary keys.
    let looks_up = draft.is("changelog-producer", "lookup")
        || draft.is("merge-engine", "first-row")
        || draft.is("deletion-vectors.enabled", "true")
        || draft.is("force-lookup", "true");
    let count = if looks_up { types.len() - 1 } else { types.len() };
    let data_type = draft.one_of(types.get(..count).unwrap_or_default());
    for (name, of_key) in &mut draft.fields {
        if name == "k" {
            *of_key = json!(data_type);
        }
    }
}

/// The type of the partition column.
pub(super) fn partition_type(draft: &mut Draft<'_>) {
    let data_type = draft.one_of(&["STRING", "STRING", "INT", "DATE"]);
    for (name, of_partition) in &mut draft.fields {
        if name == "p" {
            *of_partition = json!(data_type);
        }
    }
}

/// The bucket mode of a table with keys.
pub(super) fn of_keys(draft: &mut Draft<'_>) {
    let vectors = draft.is("deletion-vectors.enabled", "true");
    match draft.one_of(&["fixed", "fixed", "fixed", "dynamic", "dynamic", "postpone", "cross-partition"]) {
        "dynamic" => {
            draft.label("buckets: dynamic");
            draft.set("bucket", -1);
            if draft.chance(2) {
                draft.set("dynamic-bucket.target-row-num", 3);
            }
            if draft.chance(4) {
                draft.set("dynamic-bucket.max-buckets", 2);
            }
        }
        // Paimon's own compaction of such tables forgets which of its files it rewrote.
        "postpone" if !vectors && !draft.is("compaction.force-rewrite-all-files", "true") => {
            draft.label("buckets: postpone");
            draft.set("bucket", -2);
            if draft.chance(2) {
                draft.set("postpone.default-bucket-num", 2);
            }
        }
        "cross-partition" => {
            draft.label("buckets: across partitions");
            draft.set("bucket", -1);
            draft.keys = vec!["k"];
            if draft.is("merge-engine", "deduplicate") {
                // Paimon's index learns from the rows that are to be ignored, and what takes a row from its old partition is ignored too.
                draft.options.retain(|option, _| !option.starts_with("ignore-"));
            }
            if draft.partitions.is_empty() {
                draft.partitions.push("p");
                draft.fields.push(("p".to_owned(), json!("STRING")));
            }
            if draft.chance(2) {
                draft.set("dynamic-bucket.target-row-num", 3);
            }
        }
        _ => {
            draft.label("buckets: fixed");
            function(draft);
        }
    }
}

/// The bucket mode of a table without keys: what its changes are ordered by, and whether its rows are the same whatever was compacted.
pub(super) fn of_append(draft: &mut Draft<'_>) -> (OrderedBy, bool) {
    if draft.chance(10) {
        draft.set("write-only", true);
    }
    if draft.chance(2) {
        draft.label("append: buckets");
        let buckets = draft.one_of(&[1, 2, 3]);
        draft.set("bucket", buckets);
        draft.set("bucket-key", "k");
        function(draft);
        if draft.chance(3) {
            draft.set("compaction.min.file-num", 2);
        }
        return (OrderedBy::BucketKey, true);
    }
    draft.label("append: no buckets");
    draft.set("bucket", -1);
    if draft.chance(2) {
        draft.set("compaction.min.file-num", 2);
    }
    let vectors = draft.chance(3);
    if vectors {
        draft.label("append: deletion vectors");
        draft.set("deletion-vectors.enabled", true);
    }
    (OrderedBy::Nothing, !vectors)
}

fn function(draft: &mut Draft<'_>) {
    let of_key = draft.fields.iter().find(|(name, _)| name == "k").map(|(_, data_type)| data_type);
    let number = of_key.is_some_and(|data_type| data_type == "INT" || data_type == "BIGINT");
    // Hive's function has no form for moments.
    let hashed = of_key.is_some_and(|data_type| data_type != "TIMESTAMP(3)");
    let functions: &[&str] = match (number, hashed) {
        (true, _) => &["default", "default", "mod", "hive"],
        (false, true) => &["default", "default", "hive"],
        (false, false) => &["default"],
    };
    let function = draft.one_of(functions);
    draft.label(format!("bucket function: {function}"));
    if function != "default" {
        draft.set("bucket-function.type", function);
    }
}
