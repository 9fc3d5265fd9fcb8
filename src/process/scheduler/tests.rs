use super::*;
use crate::tokens::GroupId;
use ProcessState::*;

/// Members from words like `5/web:1/a=RUNNING`: priorities and names of the group and of the
/// process, and the state.
fn members(text: &str) -> Vec<Member<'_>> {
    (0..)
        .zip(text.split_whitespace())
        .map(|(index, word)| {
            let (names, state) = word.split_once('=').unwrap_or((word, "STOPPED"));
            let (group, own) = names.split_once(':').unwrap();
            let state = [
                Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown,
            ]
            .into_iter()
            .find(|known| known.name() == state)
            .unwrap();
            Member {
                id: ProcessId {
                    group: GroupId(0),
                    index,
                },
                group: ranked(group),
                own: ranked(own),
                rank: 0,
                state,
            }
        })
        .collect()
}

fn ranked(text: &str) -> (i64, &str) {
    let (priority, name) = text.split_once('/').unwrap();
    (priority.parse().unwrap(), name)
}

/// The names of the processes of these ids.
fn names(members: &[Member<'_>], ids: &[ProcessId]) -> String {
    let names = ids.iter().map(|id| members[id.index as usize].own.1);
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn processes_start_by_priority_and_then_by_name_of_group_and_process() {
    for (text, expected) in [
        ("", ""),
        ("9/b:1/p 9/a:2/q", "q p"),
        ("9/b:1/p 1/z:2/q", "q p"),
        ("9/a:2/x 9/a:1/z 9/a:1/y", "y z x"),
        ("-1/a:999/x 0/b:-5/y", "x y"),
        // What cannot be told apart stays in its order.
        ("1/a:1/x 1/a:1/x", "x x"),
    ] {
        let members = members(text);
        let order = starting_order(members.iter().copied());
        assert_eq!(names(&members, &order), expected, "{text}");
    }
}

#[test]
fn a_priority_stops_when_all_that_come_after_it_have_stopped() {
    for (text, expected) in [
        ("", "finished"),
        ("1/a:1/x=STOPPED 2/b:1/y=EXITED 3/c:1/z=FATAL", "finished"),
        ("1/a:1/x=UNKNOWN", "finished"),
        ("1/a:1/x=RUNNING 2/b:1/y=RUNNING", "y"),
        ("1/a:1/x=RUNNING 2/b:1/y=STOPPING", "waits"),
        ("1/a:1/x=RUNNING 2/b:1/y=UNKNOWN", "x"),
        (
            "2/a:1/x=STARTING 2/b:1/y=BACKOFF 2/b:2/z=RUNNING 1/c:1/w=RUNNING",
            "z y x",
        ),
        // One that is told late does not wait for those that were told before it.
        ("2/a:1/x=RUNNING 2/b:1/y=STOPPING 2/c:1/z=STOPPED", "x"),
        // Within a group the priority of a process is for the order alone.
        ("1/a:1/x=RUNNING 1/a:9/y=STOPPING", "x"),
    ] {
        let members = members(text);
        let told = match next_to_stop(members.iter().copied(), |_| false) {
            NextStop::Stop(ids) => names(&members, &ids),
            NextStop::Waits => "waits".to_owned(),
            NextStop::Finished => "finished".to_owned(),
        };
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn every_shutdown_comes_to_its_end_and_never_to_two_priorities_at_a_time() {
    let mut number = 1_u64;
    let mut below = |end: u64| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (number >> 33) % end
    };
    for _ in 0..500 {
        let mut all = members("1/a:1/a 1/a:2/b 2/b:1/c 2/c:1/d 3/d:3/e 3/d:1/f");
        for member in &mut all {
            member.state = [Running, Starting, Backoff, Stopped, Unknown][below(5) as usize];
        }
        for turn in 0.. {
            assert!(turn < 50, "no end: {all:?}");
            match next_to_stop(all.iter().copied(), |_| false) {
                NextStop::Finished => break,
                NextStop::Waits => {}
                NextStop::Stop(ids) => {
                    for id in ids {
                        let member = &mut all[id.index as usize];
                        assert!(member.state.is_running(), "{member:?} is told");
                        member.state = match member.state {
                            Backoff => Fatal,
                            _ => Stopping,
                        };
                    }
                }
            }
            let at_work = all.iter().filter(|member| member.state == Stopping);
            let priorities: Vec<i64> = at_work.map(|member| member.group.0).collect();
            assert!(priorities.windows(2).all(|two| two[0] == two[1]), "{all:?}");
            let later = all.iter().filter(|member| {
                let first = priorities.first();
                first.is_some_and(|first| member.group.0 > *first)
            });
            assert!(
                later.clone().all(|member| member.state.is_stopped()),
                "{all:?}"
            );
            let stopping = all.iter_mut().filter(|member| member.state == Stopping);
            for member in stopping.filter(|_| below(2) == 0) {
                member.state = Stopped;
            }
        }
        assert!(all.iter().all(|member| member.state.is_stopped()));
    }
}

#[test]
fn of_one_priority_those_start_first_that_others_depend_on() {
    let mut members = members("9/a:1/api 9/z:1/db 8/x:1/late");
    for (member, rank) in members.iter_mut().zip([1, 0, 2]) {
        member.rank = rank;
    }
    let order = starting_order(members.iter().copied());
    assert_eq!(names(&members, &order), "late db api");
}

#[test]
fn of_one_priority_who_is_held_waits_until_nobody_is_going() {
    for (text, held, expected) in [
        ("9/a:1/api=RUNNING 9/b:1/db=RUNNING", "db", "api"),
        ("9/a:1/api=STOPPING 9/b:1/db=RUNNING", "db", "waits"),
        ("9/a:1/api=STOPPED 9/b:1/db=RUNNING", "", "db"),
        // Those that wait for each other go together.
        ("9/a:1/api=RUNNING 9/b:1/db=RUNNING", "api db", "db api"),
        ("8/a:1/api=STOPPING 9/b:1/db=RUNNING", "db", "db"),
    ] {
        let members = members(text);
        let is_held = |id: ProcessId| {
            let name = members[id.index as usize].own.1;
            held.split(' ').any(|held| held == name)
        };
        let found = match next_to_stop(members.iter().copied(), is_held) {
            NextStop::Stop(ids) => names(&members, &ids),
            NextStop::Waits => "waits".to_owned(),
            NextStop::Finished => "finished".to_owned(),
        };
        assert_eq!(found, expected, "{text} {held}");
    }
}
