//! What to do with each field of the writer's record: decode it into a known field, or skip it.
//!
//! Goes in: the record's type in the writer's schema. Comes out: one step a field in the writer's order, made once a file, so
//! that decoding a record compares no names.

use super::Place;
use super::schema::Type;
use crate::error::Result;

/// The fields that a struct is decoded from.
pub(crate) trait Fields: Sized {
    /// Names that the writer's record must have; all others may be absent.
    const REQUIRED: &'static [&'static str];

    /// The field of that name; `None` when there is none and it is to be skipped.
    fn named(name: &str, value: &Type, place: &Place<'_>) -> Result<Option<Self>>;
}

/// One step a field of the writer's record, in its order.
#[derive(Debug)]
pub(crate) struct Plan<F> {
    steps: Vec<(Option<F>, Type)>,
}

impl<F: Fields> Plan<F> {
    /// The plan for records of the type `value`, or for those in a nullable or list of it.
    pub(crate) fn of(value: &Type, place: &Place<'_>) -> Result<Self> {
        let Some(record) = value.record() else {
            return Err(place.corrupt("the schema has another type where a record belongs"));
        };
        if let Some(absent) =
            F::REQUIRED.iter().find(|required| !record.fields.iter().any(|(name, _)| name == *required))
        {
            return Err(place.corrupt(format!("the schema has no field {absent}")));
        }
        let step = |(name, value): &(String, Type)| Ok((F::named(name, value, place)?, value.clone()));
        Ok(Self { steps: record.fields.iter().map(step).collect::<Result<_>>()? })
    }

    /// The steps: the field, `None` to skip it, and its type in the file.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (Option<&F>, &Type)> {
        self.steps.iter().map(|(field, value)| (field.as_ref(), value))
    }
}
