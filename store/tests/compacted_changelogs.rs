//! Changelog files that Flink puts together: each is read from its range of the file that holds it.

use std::sync::Arc;

use alluvium_format::{BinaryRow, DataFileMeta, ErrorKind, Predicate};
use alluvium_store::{
    DataFileRead, DataFileReader, DataFileSpec, ExternalStores, FileContent, FileSystemCatalog, PartitionBucket,
    Publish, RollingFileWriter, SystemColumns, TableStore,
};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::external_paths::{batch, create};

fn bucket(bucket: i32) -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket }
}

/// A changelog file of these keys.
async fn write(table: &TableStore, bucket_id: i32, keys: std::ops::Range<i32>) -> DataFileMeta {
    let spec = DataFileSpec { bucket: bucket(bucket_id), level: 0, content: FileContent::Changelog };
    let mut writer = RollingFileWriter::new(table, spec).unwrap();
    writer.write(&batch(table, keys)).await.unwrap();
    writer.finish().await.unwrap().remove(0)
}

async fn keys(table: &TableStore, bucket_id: i32, file: &DataFileMeta) -> Result<Vec<i32>, alluvium_format::Error> {
    let fields = table.schema().fields.clone().into();
    let (system, predicate) = (SystemColumns::Kinds, Predicate::True);
    let read = DataFileRead { fields, system, predicate, deletions: Arc::default() };
    let mut reader = DataFileReader::open(table, &bucket(bucket_id), file, &read).await?;
    let mut keys = Vec::new();
    while let Some(batch) = reader.next().await? {
        keys.extend(batch.values.column(0).as_primitive::<Int32Type>().values());
    }
    Ok(keys)
}

/// Puts files together as Flink does, and gives what the manifest says of them then.
async fn put_together(table: &TableStore, files: Vec<(i32, DataFileMeta)>) -> Vec<(i32, DataFileMeta)> {
    let mut bytes = Vec::new();
    let mut ranges = Vec::new();
    let mut holder = None;
    for (bucket, file) in &files {
        let location = table.data_file(&BinaryRow::empty(), *bucket, file).unwrap();
        let own = location.get().await.unwrap();
        location.delete().await.unwrap();
        holder.get_or_insert(location);
        ranges.push((bytes.len(), own.len()));
        bytes.extend_from_slice(&own);
    }
    let real = format!("compacted-changelog-x${}-{}", files[0].0, ranges[0].1);
    holder.unwrap().beside(&format!("{real}.cc-parquet")).unwrap().put(bytes).await.unwrap();
    let first_folder = files[0].1.external_path.as_ref().map(|path| path.rsplit_once('/').unwrap().0.to_owned());
    let renamed = files.into_iter().zip(ranges).map(|((bucket, file), (offset, length))| {
        let place = if offset == 0 { String::new() } else { format!("-{offset}-{length}") };
        let file_name = format!("{real}{place}.cc-parquet");
        let external_path = first_folder.as_ref().map(|folder| format!("{folder}/{file_name}"));
        (bucket, DataFileMeta { file_name, external_path, ..file })
    });
    renamed.collect()
}

#[tokio::test]
async fn each_is_read_from_its_range() {
    let outside: [(&str, &str); 2] =
        [("data-file.external-paths", "mem://a"), ("data-file.external-paths.strategy", "round-robin")];
    for options in [&[][..], &outside] {
        let own: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let external = ExternalStores::default().with("mem://a", Arc::new(InMemory::new()), Path::default()).unwrap();
        let catalog = FileSystemCatalog::new(own, Path::from("w"), Publish::ConditionalPut);
        let table = create(&catalog.with_external_stores(external), options).await;
        let mut files = Vec::new();
        for (bucket, keys) in [(1, 0..10), (0, 10..25), (1, 30..31)] {
            files.push((bucket, write(&table, bucket, keys).await));
        }
        let files = put_together(&table, files).await;
        for ((bucket, file), wanted) in files.iter().zip([0..10, 10..25, 30..31]) {
            assert_eq!(keys(&table, *bucket, file).await.unwrap(), wanted.collect::<Vec<_>>(), "{}", file.file_name);
        }
        let (bucket, file) = &files[1];
        let other_size = DataFileMeta { file_size: file.file_size + 1, ..file.clone() };
        assert_eq!(keys(&table, *bucket, &other_size).await.unwrap_err().kind(), ErrorKind::Corrupt);
        let behind_the_end = DataFileMeta { file_name: file.file_name.replace("$1-", "$1-9"), ..file.clone() };
        assert_eq!(keys(&table, *bucket, &behind_the_end).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
