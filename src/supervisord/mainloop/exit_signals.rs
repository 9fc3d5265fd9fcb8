//! Which signal that asks for an exit ends a shutdown at once. Only signals count: service
//! files ask for a shutdown by request and send SIGTERM afterwards.

use crate::config::SecondSignal;
use crate::signal::Signal;
use crate::snapshot::saved;

/// The signals that have asked for an exit so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExitSignals {
    any: bool,
    interrupt: bool,
}

saved! { struct ExitSignals { any, interrupt } }

impl ExitSignals {
    /// Counts a signal; true if everything is to be killed: at the second SIGINT, as a person at
    /// a terminal expects, and where it is configured at any second one.
    pub fn kills(&mut self, signal: Signal, configured: SecondSignal) -> bool {
        let is_interrupt = signal == Signal::INT;
        let kills =
            (configured == SecondSignal::Kill && self.any) || (is_interrupt && self.interrupt);
        self.any = true;
        self.interrupt |= is_interrupt;
        kills
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_interrupt_kills_and_other_signals_where_configured() {
        use SecondSignal::{Ignore, Kill};
        const INT: Signal = Signal::INT;
        const TERM: Signal = Signal::TERM;
        const QUIT: Signal = Signal::QUIT;
        for (configured, signals, expected) in [
            (Ignore, &[TERM, TERM, QUIT][..], &[false, false, false][..]),
            (Ignore, &[INT, INT, INT], &[false, true, true]),
            (Ignore, &[TERM, INT, INT], &[false, false, true]),
            (Ignore, &[INT, TERM, INT], &[false, false, true]),
            (Kill, &[TERM, TERM], &[false, true]),
            (Kill, &[TERM, QUIT, INT], &[false, true, true]),
            (Kill, &[INT, TERM], &[false, true]),
        ] {
            let mut seen = ExitSignals::default();
            let found: Vec<bool> = signals
                .iter()
                .map(|signal| seen.kills(*signal, configured))
                .collect();
            assert_eq!(found, expected, "{configured:?} {signals:?}");
        }
    }
}
