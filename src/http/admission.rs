//! Who has to leave when one more client wants to come in and there is no
//! place. A crowd that connects and says nothing must not lock anybody out, nor
//! may it push out those that the server has let in.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::tokens::ConnectionId;

/// How long a client that was let in must have kept the daemon waiting in the
/// middle of a request or of its answer before it loses its place.
pub const GRACE: Duration = Duration::from_secs(1);

/// What matters of a connection here.
#[derive(Clone, Copy, Debug)]
pub struct ClientActivity {
    pub id: ConnectionId,
    /// Whether the server has let a request of it in.
    pub known: bool,
    /// Whether it is in the middle of a request or of its answer.
    pub busy: bool,
    /// Since when it is the client's turn; `None` while it is the daemon's.
    pub waits_since: Option<Monotonic>,
}

/// Whether one more can come in beside these, `limit` being the most.
/// Strangers, who have not been let in yet, get three quarters of the places.
pub fn has_room(activities: &[ClientActivity], limit: usize) -> bool {
    let strangers = activities.iter().filter(|activity| !activity.known).count();
    activities.len() < limit && strangers < share(limit)
}

/// How many places those get whom a quarter is kept from.
pub fn share(limit: usize) -> usize {
    (limit - limit / 4).max(1)
}

/// Who leaves: a stranger, or else a client that is silent between two
/// requests, or else one that is slow; of these the one that has kept the
/// daemon waiting for the longest.
pub fn first_to_leave(activities: &[ClientActivity], now: Monotonic) -> Option<ConnectionId> {
    let waiting = activities.iter().filter_map(|activity| {
        let since = activity.waits_since?;
        let slow = activity.known && activity.busy;
        let may_stay = slow && now.since(since) < GRACE;
        (!may_stay).then_some((activity.known, slow, since, activity.id))
    });
    waiting.min().map(|(_, _, _, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Monotonic = Monotonic(Duration::from_secs(100));
    const STRANGER: (bool, bool) = (false, true);
    const SILENT: (bool, bool) = (true, false);
    const BUSY: (bool, bool) = (true, true);

    /// Numbered from 0, each with how many milliseconds it has been waited for.
    fn activities(all: &[((bool, bool), Option<u64>)]) -> Vec<ClientActivity> {
        (0..)
            .zip(all)
            .map(|(number, ((known, busy), waited))| ClientActivity {
                id: ConnectionId(number),
                known: *known,
                busy: *busy,
                waits_since: waited.map(|waited| NOW - Duration::from_millis(waited)),
            })
            .collect()
    }

    #[test]
    fn a_quarter_of_the_places_is_not_for_strangers() {
        for (limit, strangers, known, expected) in [
            (128, 0, 0, true),
            (128, 95, 0, true),
            (128, 96, 0, false),
            (128, 95, 32, true),
            (128, 95, 33, false),
            (128, 0, 127, true),
            (128, 0, 128, false),
            (2, 1, 0, true),
            (2, 2, 0, false),
            (2, 1, 1, false),
        ] {
            let all = [
                vec![(STRANGER, Some(0)); strangers],
                vec![(SILENT, None); known],
            ];
            let found = has_room(&activities(&all.concat()), limit);
            assert_eq!(found, expected, "{limit} {strangers} {known}");
        }
    }

    #[test]
    fn strangers_leave_first_then_who_is_silent_then_who_is_slow() {
        for (all, expected) in [
            (vec![], None),
            (vec![(STRANGER, Some(0))], Some(0)),
            (
                vec![
                    (STRANGER, Some(3)),
                    (STRANGER, Some(9)),
                    (STRANGER, Some(5)),
                ],
                Some(1),
            ),
            (
                vec![
                    (SILENT, Some(9000)),
                    (STRANGER, Some(1)),
                    (BUSY, Some(9000)),
                ],
                Some(1),
            ),
            (
                vec![(SILENT, Some(1)), (SILENT, Some(2)), (BUSY, Some(9000))],
                Some(1),
            ),
            (
                vec![(SILENT, None), (BUSY, Some(1000)), (BUSY, Some(2000))],
                Some(2),
            ),
            (vec![(BUSY, Some(999)), (SILENT, None), (BUSY, None)], None),
        ] {
            let found = first_to_leave(&activities(&all), NOW);
            assert_eq!(found, expected.map(ConnectionId), "{all:?}");
        }
    }
}
