//! An element on its way between two subtasks, as timely carries it.
//!
//! Goes in: an element, its sender and its receiver. Comes out: the same on the other side. Within a process a packet is moved; between
//! processes its batch goes as an Arrow IPC message without a schema, which both sides know. Packets come from this job's own processes.

use std::cell::OnceCell;
use std::io::Write;

use alluvium_format::{Error, Result};
use alluvium_reader::ChangeBatch;
use arrow_array::{Int8Array, RecordBatch};
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::root_as_message;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow_schema::{ArrowError, SchemaRef};
use timely::Accountable;
use timely::bytes::arc::Bytes;
use timely::communication::Push;
use timely::dataflow::channels::pushers::exchange::Distributor;
use timely::dataflow::channels::{ContainerBytes, Message};
use timely::progress::Stamp;

use crate::element::Element;

/// Numbers ahead of a packet's body: what it is, sender, receiver, rows or watermark, bytes of the body.
const HEADER: usize = 5;
const WORD: usize = 8;

/// What a packet carries.
#[derive(Default)]
enum Payload {
    #[default]
    Nothing,
    Element(Element),
    /// Changes from another process.
    Encoded {
        rows: usize,
        body: Bytes,
    },
}

/// An element and its way.
#[derive(Default)]
pub(crate) struct Packet {
    /// The subtask that sent it.
    pub(crate) sender: usize,
    /// The subtask that gets it.
    pub(crate) receiver: usize,
    payload: Payload,
    /// The body, made once: its length is asked for before it is.
    encoded: OnceCell<Vec<u8>>,
}

impl Packet {
    pub(crate) fn new(sender: usize, receiver: usize, element: Element) -> Self {
        Self { sender, receiver, payload: Payload::Element(element), encoded: OnceCell::new() }
    }

    /// The element; a batch is read by its schema.
    pub(crate) fn into_element(self, schema: &SchemaRef) -> Result<Element> {
        match self.payload {
            Payload::Element(element) => Ok(element),
            Payload::Encoded { rows, body } => {
                let failed = |error: ArrowError| Error::internal("a batch of another process").with_source(error);
                Ok(Element::Changes(decode(&body, rows, schema).map_err(failed)?))
            }
            Payload::Nothing => Err(Error::internal("a packet is empty")),
        }
    }

    fn body(&self) -> &[u8] {
        self.encoded.get_or_init(|| match &self.payload {
            Payload::Element(Element::Changes(changes)) => encode(changes),
            _ => Vec::new(),
        })
    }
}

impl Accountable for Packet {
    /// What progress is counted in; a packet that counts nothing would not be sent.
    fn record_count(&self) -> i64 {
        match &self.payload {
            Payload::Nothing => 0,
            _ => 1,
        }
    }
}

impl ContainerBytes for Packet {
    fn from_bytes(mut bytes: Bytes) -> Self {
        let word = |place: usize| {
            let word = bytes.get(place * WORD..).and_then(|rest| rest.first_chunk());
            u64::from_le_bytes(*word.unwrap_or(&[0; WORD]))
        };
        let number = |place: usize| usize::try_from(word(place)).unwrap_or(0);
        let (kind, sender, receiver, value, length) = (word(0), number(1), number(2), word(3), number(4));
        let payload = match kind {
            1 => {
                let rows = number(3);
                drop(bytes.extract_to(HEADER * WORD));
                Payload::Encoded { rows, body: bytes.extract_to(length) }
            }
            2 => Payload::Element(Element::Watermark(value.cast_signed())),
            3 => Payload::Element(Element::Idle),
            _ => Payload::Nothing,
        };
        Self { sender, receiver, payload, encoded: OnceCell::new() }
    }

    fn length_in_bytes(&self) -> usize {
        HEADER * WORD + self.body().len()
    }

    #[expect(clippy::expect_used, reason = "the writer is a buffer of the length that was asked for")]
    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let (kind, value) = match &self.payload {
            Payload::Nothing => (0, 0),
            Payload::Element(Element::Changes(changes)) => (1, changes.rows.num_rows() as u64),
            Payload::Encoded { rows, .. } => (1, *rows as u64),
            Payload::Element(Element::Watermark(watermark)) => (2, watermark.cast_unsigned()),
            Payload::Element(Element::Idle) => (3, 0),
        };
        let body = self.body();
        for word in [kind, self.sender as u64, self.receiver as u64, value, body.len() as u64] {
            writer.write_all(&word.to_le_bytes()).expect("the buffer has room");
        }
        writer.write_all(body).expect("the buffer has room");
    }
}

/// Kinds, length of the message, message, data; each begins at a multiple of eight.
#[expect(clippy::expect_used, reason = "Arrow encodes every array that there is")]
fn encode(changes: &ChangeBatch) -> Vec<u8> {
    let mut body: Vec<u8> = changes.kinds.values().iter().map(|kind| kind.cast_unsigned()).collect();
    pad(&mut body);
    let (generator, options) = (IpcDataGenerator::default(), IpcWriteOptions::default());
    let mut dictionaries = DictionaryTracker::new(false);
    let mut context = IpcWriteContext::default();
    let (_, message) =
        generator.encode(&changes.rows, &mut dictionaries, &options, &mut context).expect("a batch can be encoded");
    body.extend_from_slice(&(message.ipc_message.len() as u64).to_le_bytes());
    body.extend_from_slice(&message.ipc_message);
    pad(&mut body);
    body.extend_from_slice(&message.arrow_data);
    pad(&mut body);
    body
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(WORD), 0);
}

fn decode(body: &[u8], rows: usize, schema: &SchemaRef) -> Result<ChangeBatch, ArrowError> {
    let short = || ArrowError::IpcError("it ends early".to_owned());
    let (kinds, rest) = body.split_at_checked(rows.next_multiple_of(WORD)).ok_or_else(short)?;
    let kinds = kinds.get(..rows).ok_or_else(short)?.iter().map(|kind| kind.cast_signed()).collect::<Vec<_>>();
    let (length, rest) = rest.split_first_chunk().ok_or_else(short)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
    let (message, data) = rest.split_at_checked(length.next_multiple_of(WORD)).ok_or_else(short)?;
    let message = root_as_message(message.get(..length).ok_or_else(short)?)
        .map_err(|error| ArrowError::IpcError(error.to_string()))?;
    let batch = message.header_as_record_batch().ok_or_else(short)?;
    // A copy: the rows would keep the whole buffer that they came in.
    let data = arrow_buffer::Buffer::from_slice_ref(data);
    let no_dictionaries = std::collections::HashMap::new();
    let rows: RecordBatch =
        read_record_batch(&data, batch, schema.clone(), &no_dictionaries, None, &message.version())?;
    Ok(ChangeBatch { kinds: Int8Array::from(kinds), rows })
}

/// Hands each packet to the receiver that it names.
pub(crate) struct ByReceiver;

impl Distributor<Packet> for ByReceiver {
    fn partition<T: Clone, P: Push<Message<T, Packet>>>(
        &mut self,
        packet: &mut Packet,
        stamp: &Stamp<T>,
        pushers: &mut [P],
    ) {
        if let Some(pusher) = pushers.get_mut(packet.receiver) {
            Message::push_at(packet, stamp.clone(), pusher);
        }
    }

    fn flush<T: Clone, P: Push<Message<T, Packet>>>(&mut self, _: &Stamp<T>, _: &mut [P]) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};
    use timely::bytes::arc::BytesMut;

    use super::*;

    fn across(packet: &Packet) -> Packet {
        let mut written = Vec::new();
        packet.into_bytes(&mut written);
        assert_eq!(written.len(), packet.length_in_bytes());
        Packet::from_bytes(BytesMut::from(written).freeze())
    }

    #[test]
    fn a_batch_comes_across_whole() {
        let rows = RecordBatch::try_from_iter_with_nullable([
            ("a", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])) as ArrayRef, true),
            ("b", Arc::new(StringArray::from(vec![Some("x"), Some(""), None])) as ArrayRef, true),
        ])
        .unwrap();
        let schema = rows.schema();
        let sent = ChangeBatch { kinds: Int8Array::from(vec![0, 1, 3]), rows };
        // A slice: only its rows go.
        let sent = ChangeBatch { kinds: sent.kinds.slice(1, 2), rows: sent.rows.slice(1, 2) };
        let got = across(&Packet::new(1, 2, Element::Changes(sent.clone())));
        assert_eq!((got.sender, got.receiver, got.record_count()), (1, 2, 1));
        let Element::Changes(got) = got.into_element(&schema).unwrap() else { panic!("no changes came") };
        assert_eq!((got.kinds, got.rows), (sent.kinds, sent.rows));
    }

    #[test]
    fn watermarks_come_across() {
        let schema = Arc::new(arrow_schema::Schema::empty());
        for watermark in [i64::MIN, -1, 0, i64::MAX] {
            let got = across(&Packet::new(0, 0, Element::Watermark(watermark))).into_element(&schema).unwrap();
            assert!(matches!(got, Element::Watermark(got) if got == watermark));
        }
        let got = across(&Packet::new(0, 0, Element::Idle)).into_element(&schema).unwrap();
        assert!(matches!(got, Element::Idle));
    }
}
