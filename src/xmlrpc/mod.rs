//! The XML-RPC codec: [`value::Value`], reading a call, writing a response,
//! and the same from the client's side. Pure: bytes in, values out.

pub mod call;
pub mod characters;
pub mod document;
pub mod fault;
pub mod member;
pub mod reader;
pub mod response;
pub mod value;
pub mod writer;
