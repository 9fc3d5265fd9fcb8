//! The HTTP servers in this process, with real sockets and a clock that tests
//! can put forward.

mod authentication;
mod daemon;
mod exchange;
mod limits;
mod sockets;
mod streams;
mod waiting;
