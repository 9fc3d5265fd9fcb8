//! Who has to leave when one more client wants to come in and there is no
//! place. A crowd that connects and says nothing must not lock anybody out, nor
//! may it push out those that the server has let in.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::tokens::ConnectionId;

/// How long a client that was let in once must have kept the daemon waiting
/// before it loses its place.
pub const GRACE: Duration = Duration::from_secs(1);

/// What matters of a connection here.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Which it is.
    pub id: ConnectionId,
    /// Whether the server has let a request of it in.
    pub known: bool,
    /// Since when it is the client's turn; `None` while it is the daemon's.
    pub waits_since: Option<Monotonic>,
}

/// Whether one more can come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// At once.
    Free,
    /// When that one has been closed.
    Instead(ConnectionId),
    /// Not now.
    Full,
}

/// Whether a server with these connections, and a limit of them, has room.
/// Strangers, who have not been let in yet, get three quarters of the places.
pub fn room(standings: &[Standing], limit: usize, now: Monotonic) -> Room {
    let strangers = standings.iter().filter(|standing| !standing.known).count();
    let share = (limit - limit / 4).max(1);
    if standings.len() < limit && strangers < share {
        return Room::Free;
    }
    first_to_leave(standings, now).map_or(Room::Full, Room::Instead)
}

/// The stranger that has kept the daemon waiting for the longest, or else the
/// client that has.
pub fn first_to_leave(standings: &[Standing], now: Monotonic) -> Option<ConnectionId> {
    let waiting = standings.iter().filter_map(|standing| {
        let since = standing.waits_since?;
        let may_stay = standing.known && now.since(since) < GRACE;
        (!may_stay).then_some((standing.known, since, standing.id))
    });
    waiting.min().map(|(_, _, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Monotonic = Monotonic(Duration::from_secs(100));

    /// Numbered from 0: whether known, and for how many milliseconds it has been waited for.
    fn standings(all: &[(bool, Option<u64>)]) -> Vec<Standing> {
        (0..)
            .zip(all)
            .map(|(number, (known, waited))| Standing {
                id: ConnectionId(number),
                known: *known,
                waits_since: waited.map(|waited| NOW - Duration::from_millis(waited)),
            })
            .collect()
    }

    #[test]
    fn strangers_leave_first_and_those_who_waited_longest_before_others() {
        const KNOWN: bool = true;
        let instead = |number| Room::Instead(ConnectionId(number));
        for (limit, all, expected) in [
            (4, vec![], Room::Free),
            (4, vec![(!KNOWN, Some(0)), (!KNOWN, Some(9))], Room::Free),
            // A quarter of the places is not for strangers.
            (
                4,
                vec![(!KNOWN, Some(0)), (!KNOWN, Some(9)), (!KNOWN, Some(5))],
                instead(1),
            ),
            (
                4,
                vec![(KNOWN, Some(9000)), (KNOWN, None), (KNOWN, Some(0))],
                Room::Free,
            ),
            (
                3,
                vec![(KNOWN, Some(9000)), (!KNOWN, Some(1)), (KNOWN, None)],
                instead(1),
            ),
            (
                3,
                vec![(KNOWN, Some(2000)), (KNOWN, Some(9000)), (KNOWN, None)],
                instead(1),
            ),
            (2, vec![(KNOWN, Some(999)), (KNOWN, None)], Room::Full),
            (2, vec![(KNOWN, Some(1000)), (KNOWN, None)], instead(0)),
            (2, vec![(KNOWN, None), (KNOWN, None)], Room::Full),
            (2, vec![(!KNOWN, Some(0)), (KNOWN, None)], instead(0)),
        ] {
            assert_eq!(
                room(&standings(&all), limit, NOW),
                expected,
                "{limit} {all:?}"
            );
        }
    }
}
