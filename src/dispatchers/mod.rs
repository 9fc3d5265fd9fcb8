//! Dispatchers, as in asyncore: what is done when a child's pipe is ready.
//! A dispatcher knows its descriptor and where its bytes go, not its process;
//! what happened goes up as a return value.

pub mod capture;
pub mod input;
pub mod line_logs;
pub mod output;
pub mod search;

#[cfg(test)]
mod tests;
