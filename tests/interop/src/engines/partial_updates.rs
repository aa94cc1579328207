//! Tables of `merge-engine = partial-update`: sequence groups, aggregated fields, and what becomes of deletes.

use rand::Rng;
use serde_json::json;

use super::{ADDS, Draft};

pub(super) fn add(draft: &mut Draft<'_>) {
    for (name, data_type) in [
        ("a", "BIGINT"),
        ("b", "STRING"),
        ("g", "INT"),
        ("c", "DOUBLE"),
        ("d", "BIGINT"),
        ("h", "INT"),
        ("j", "INT"),
        ("e", "STRING"),
    ] {
        draft.field(name, json!(data_type));
    }
    let groups = draft.chance(2);
    if groups {
        draft.set("fields.g.sequence-group", "a,b");
        if draft.chance(2) {
            draft.set("fields.a.aggregate-function", "sum");
        }
        if draft.chance(2) {
            draft.set("fields.h,j.sequence-group", "d,e");
            if draft.chance(2) {
                draft.set("fields.d.aggregate-function", "sum");
            }
        }
    }
    match draft.rng.random_range(0..4) {
        0 => draft.set("ignore-delete", true),
        1 if !groups => draft.set("partial-update.remove-record-on-delete", true),
        2 if groups => draft.set("partial-update.remove-record-on-sequence-group", "g"),
        _ if groups => {}
        _ => draft.kinds = ADDS.to_vec(),
    }
    if draft.options.contains_key("partial-update.remove-record-on-delete") {
        // A -U is refused there.
        draft.kinds = vec!["+I", "+I", "+U", "-D"];
    }
}
