//! HTTP: reading a request within limits, writing a response, Basic
//! authentication, and the servers on their sockets.
