//! How what a program has written is shown: on a terminal as text with its colours,
//! elsewhere, and where it is asked for, byte for byte.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use crate::text::sgr::Filter;
use crate::tokens::Channel;

/// The option that hands bytes on.
pub const RAW: &str = "--raw";

/// One log.
#[derive(Clone, Debug)]
pub struct LogView(Option<Filter>);

impl LogView {
    /// One that is shown on the standard output.
    pub fn on_stdout(is_raw: bool) -> LogView {
        LogView::new(is_raw || !io::stdout().is_terminal())
    }

    fn new(is_raw: bool) -> LogView {
        LogView((!is_raw).then(Filter::default))
    }

    /// The next piece as it is shown.
    pub fn take(&mut self, piece: &[u8]) -> Vec<u8> {
        match &mut self.0 {
            Some(filter) => filter.take(piece),
            None => piece.to_vec(),
        }
    }

    /// What is held back at the end of the log.
    pub fn finish(&mut self) -> Vec<u8> {
        self.0.as_mut().map_or_else(Vec::new, Filter::finish)
    }

    /// A log that is there as a whole.
    pub fn whole(mut self, text: &[u8]) -> Vec<u8> {
        let mut shown = self.take(text);
        shown.extend(self.finish());
        shown
    }
}

/// The two logs of a process, which a thread may show.
#[derive(Clone, Debug)]
pub struct BothViews(Arc<Mutex<[LogView; 2]>>);

impl BothViews {
    /// Both on the standard output.
    pub fn on_stdout(is_raw: bool) -> BothViews {
        let view = LogView::on_stdout(is_raw);
        BothViews(Arc::new(Mutex::new([view.clone(), view])))
    }

    /// Each on its own.
    pub fn apart(is_raw: bool) -> BothViews {
        let stdout = LogView::on_stdout(is_raw);
        let stderr = LogView::new(is_raw || !io::stderr().is_terminal());
        BothViews(Arc::new(Mutex::new([stdout, stderr])))
    }

    /// The next piece of the log of a channel, given by its place.
    pub fn take(&self, number: usize, piece: &[u8]) -> Vec<u8> {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match views.get_mut(number) {
            Some(view) => view.take(piece),
            None => Vec::new(),
        }
    }

    /// What is held back of the log of a channel.
    pub fn finish(&self, channel: Channel) -> Vec<u8> {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let view = views.get_mut(channel as usize);
        view.map_or_else(Vec::new, LogView::finish)
    }
}

/// The words without the option, and whether it was among them.
pub fn without_option<'a>(words: &[&'a str]) -> (Vec<&'a str>, bool) {
    let rest: Vec<&str> = words.iter().copied().filter(|word| *word != RAW).collect();
    let is_raw = rest.len() < words.len();
    (rest, is_raw)
}
