//! Tables of one format, and one data file of such a table, written and read back.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{
    BinaryRow, DataField, DataFileMeta, DataType, FileSource, Predicate, Result, TableSchema, TypeRoot,
};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{
    DataFileRead, DataFileReader, DataFileSpec, FileContent, PartitionBucket, Publish, RollingFileWriter,
    SystemColumns, TableIo, TableStore,
};
use object_store::ObjectStore;
use object_store::path::Path;

/// A table of files of `format` with the key `k` and other columns.
pub(crate) fn table(
    format: &str,
    store: Arc<dyn ObjectStore>,
    columns: Vec<DataType>,
    options: &[(&str, &str)],
) -> TableStore {
    let key = DataField::new(0, "k", DataType::not_null(TypeRoot::Int));
    let others = columns.into_iter().zip(1..).map(|(data_type, id)| DataField::new(id, format!("c{id}"), data_type));
    let fixed = [("bucket", "1"), ("file.format", format)];
    let options = fixed.iter().chain(options).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let schema = TableSchema {
        version: 3,
        id: 0,
        fields: std::iter::once(key).chain(others).collect(),
        highest_field_id: 100,
        partition_keys: Vec::new(),
        primary_keys: vec!["k".to_owned()],
        options: options.collect(),
        comment: None,
        time_millis: 0,
    };
    let io = TableIo::new(store, Path::default(), Publish::ConditionalPut);
    TableStore::new("db.t", io.clone(), io, Arc::new(schema)).unwrap()
}

/// The only bucket.
pub(crate) fn bucket() -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket: 0 }
}

/// What is written there.
pub(crate) fn spec() -> DataFileSpec {
    DataFileSpec { bucket: bucket(), level: 0, content: FileContent::Data(FileSource::Append) }
}

/// The file of some rows.
pub(crate) async fn write(table: &TableStore, batch: &KeyValueBatch) -> Result<DataFileMeta> {
    table.io().put("schema/schema-0", table.schema().to_json()).await.unwrap();
    let mut writer = RollingFileWriter::new(table, spec())?;
    writer.write(batch).await?;
    let mut files = writer.finish().await?;
    assert_eq!(files.len(), 1);
    let format = table.options().get("file.format").unwrap();
    assert!(files[0].file_name.ends_with(&format!(".{format}")));
    Ok(files.remove(0))
}

/// The rows of a file in some fields, without what the predicate rules out.
pub(crate) async fn read(
    table: &TableStore,
    file: &DataFileMeta,
    fields: &[DataField],
    predicate: Predicate,
) -> Result<KeyValueBatch> {
    let read = DataFileRead { fields: fields.into(), system: SystemColumns::All, predicate, deletions: Arc::default() };
    let mut reader = DataFileReader::open(table, &bucket(), file, &read).await?;
    let mut batches = Vec::new();
    while let Some(batch) = reader.next().await? {
        batches.push(batch.into_key_values()?);
    }
    let values = batches.iter().map(|batch| &batch.values);
    let values = arrow_select::concat::concat_batches(&to_arrow_schema(fields).unwrap(), values).unwrap();
    let sequences = batches.iter().flat_map(|batch| batch.sequences.values()).copied();
    let kinds = batches.iter().flat_map(|batch| batch.kinds.values()).copied();
    Ok(KeyValueBatch::try_new(sequences.collect::<Vec<_>>().into(), kinds.collect::<Vec<_>>().into(), values).unwrap())
}
