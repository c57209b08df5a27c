//! Frames of messages, as gRPC and gRPC-Web have them: a byte of flags, four of length, the message.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use prost::Message as _;
use prost_reflect::DynamicMessage;

/// The flag of the frame that holds the trailers, in gRPC-Web.
pub const TRAILERS: u8 = 0x80;

const HEADER_LEN: usize = 5;

/// Takes the first frame, with its header, if it has come whole.
pub fn split(buffer: &mut BytesMut) -> Option<Bytes> {
    let mut header = buffer.get(..HEADER_LEN)?;
    header.advance(1);
    let len = HEADER_LEN + usize::try_from(header.get_u32()).ok()?;
    (buffer.len() >= len).then(|| buffer.split_to(len).freeze())
}

/// Whether a frame holds trailers.
pub fn is_trailers(frame: &[u8]) -> bool {
    frame.first().is_some_and(|flags| flags & TRAILERS != 0)
}

/// What a frame holds.
pub fn payload(frame: &[u8]) -> &[u8] {
    frame.get(HEADER_LEN..).unwrap_or_default()
}

/// Makes a frame of flags and what it holds.
pub fn pack(flags: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEADER_LEN + payload.len());
    frame.put_u8(flags);
    frame.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    frame.put_slice(payload);
    frame.freeze()
}

/// Makes a frame of a message.
pub fn of(message: &DynamicMessage) -> Bytes {
    pack(0, &message.encode_to_vec())
}
