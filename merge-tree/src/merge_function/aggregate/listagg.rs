//! `listagg`: texts one after the other, with a delimiter between them.
//!
//! Nulls and empty texts are skipped. With `distinct` a text is taken apart at the delimiter, and of its tokens those are added that are
//! not empty and not there yet: `a,b` and `b,,c` make `a,b,c`; the accumulator itself is left as it is, doubled tokens and all.
//! Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldListaggAgg`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use super::folds::{Folds, Retractions, Rule, fold_each};
use super::function::Tokens;
use super::{check_array_bytes, no_retraction};

struct Listagg<'a> {
    delimiter: &'a str,
    tokens: Tokens,
}

impl Listagg<'_> {
    fn push(&self, text: &mut String, token: &str) {
        text.push_str(self.delimiter);
        text.push_str(token);
    }

    fn push_new_tokens(&self, text: &mut String, value: &str) {
        // Java takes apart at blanks where there is no delimiter, and still puts none between the tokens.
        let separator = if self.delimiter.is_empty() { " " } else { self.delimiter };
        let old = text.clone();
        let mut seen: HashSet<&str> = old.split(separator).collect();
        for token in value.split(separator).filter(|token| !token.is_empty()) {
            if seen.insert(token) {
                self.push(text, token);
            }
        }
    }
}

impl<'a> Rule<Cow<'a, str>> for Listagg<'_> {
    fn combine(&mut self, accumulator: Cow<'a, str>, value: Cow<'a, str>) -> Result<Option<Cow<'a, str>>> {
        if value.is_empty() {
            return Ok(Some(accumulator));
        }
        if accumulator.is_empty() {
            return Ok(Some(value));
        }
        let mut text = accumulator.into_owned();
        match self.tokens {
            Tokens::All => self.push(&mut text, &value),
            Tokens::Distinct => self.push_new_tokens(&mut text, &value),
        }
        Ok(Some(Cow::Owned(text)))
    }

    fn retract(&mut self, _: Option<Cow<'a, str>>, _: Option<Cow<'a, str>>) -> Result<Option<Cow<'a, str>>> {
        Err(no_retraction("listagg"))
    }
}

/// Folds a column of texts.
pub(super) fn listagg(
    delimiter: &str,
    tokens: Tokens,
    input: &ArrayRef,
    folds: &Folds,
    retractions: Retractions,
) -> Result<ArrayRef> {
    let column = input
        .as_string_opt::<i32>()
        .ok_or_else(|| Error::internal(format!("a column of {} is no STRING", input.data_type())))?;
    let mut out: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(folds.ends.len());
    let value = |row: usize| Ok((!column.is_null(row)).then(|| Cow::Borrowed(column.value(row))));
    fold_each(folds, retractions, &mut Listagg { delimiter, tokens }, value, |value| out.push(value))?;
    let bytes = out.iter().flatten().map(|text| text.len()).sum();
    check_array_bytes(bytes)?;
    let mut builder = StringBuilder::with_capacity(out.len(), bytes);
    out.into_iter().for_each(|text| builder.append_option(text));
    Ok(Arc::new(builder.finish()))
}
