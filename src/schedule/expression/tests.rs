use super::*;
use crate::snapshot::tests::{carried, read};

/// The numbers of each field, seconds first.
fn numbers(text: &str) -> [Vec<u32>; 6] {
    let schedule = Schedule::parse(text).unwrap();
    schedule
        .sets
        .map(|set| (0..64).filter(|bit| set >> bit & 1 == 1).collect())
}

fn every(first: u32, last: u32) -> Vec<u32> {
    (first..=last).collect()
}

#[test]
fn a_field_is_a_list_of_numbers_names_ranges_and_steps() {
    for (field, index, expected) in [
        ("* * * * *", 1, every(0, 59)),
        ("* * * * *", 0, vec![0]),
        ("5 * * * *", 1, vec![5]),
        ("05 * * * *", 1, vec![5]),
        ("5,7,59 * * * *", 1, vec![5, 7, 59]),
        ("10-13 * * * *", 1, vec![10, 11, 12, 13]),
        ("10-20/4,1 * * * *", 1, vec![1, 10, 14, 18]),
        ("*/20 * * * *", 1, vec![0, 20, 40]),
        ("*/90 * * * *", 1, vec![0]),
        ("50/5 * * * *", 1, vec![50, 55]),
        ("0 0-23/8 * * *", 2, vec![0, 8, 16]),
        ("0 0 28-31 * *", 3, vec![28, 29, 30, 31]),
        ("0 0 */10 * *", 3, vec![1, 11, 21, 31]),
        ("0 0 ? * *", 3, every(1, 31)),
        ("0 0 1 jan,DEC *", 4, vec![1, 12]),
        ("0 0 1 Mar-May *", 4, vec![3, 4, 5]),
        ("0 0 * * 0", 5, vec![0]),
        ("0 0 * * 7", 5, vec![0]),
        ("0 0 * * 5-7", 5, vec![0, 5, 6]),
        ("0 0 * * fri-sun", 5, vec![0, 5, 6]),
        ("0 0 * * mon-fri/2", 5, vec![1, 3, 5]),
        ("0 0 * * */2", 5, vec![0, 2, 4, 6]),
        ("30 * * * * *", 0, vec![30]),
        ("*/15 * * * * *", 0, vec![0, 15, 30, 45]),
        ("  5\t *   * * * ", 1, vec![5]),
        ("@hourly", 1, vec![0]),
        ("@hourly", 2, every(0, 23)),
        ("@Weekly", 5, vec![0]),
        ("@yearly", 4, vec![1]),
    ] {
        assert_eq!(numbers(field)[index], expected, "{field}");
    }
    assert_eq!(Schedule::parse(" 5  * * *\t*").unwrap().text(), "5 * * * *");
}

#[test]
fn what_is_wrong_is_told_with_what_is_right() {
    let form = "it is minute, hour, day, month and weekday such as 30 2 * * mon-fri, with seconds \
                before them or without";
    for (text, told) in [
        ("", form),
        ("*", form),
        ("* * * *", form),
        ("* * * * * * *", form),
        ("60 * * * *", "minute: write 59 for 60"),
        ("99999999999 * * * *", "minute: write 59 for 99999999999"),
        ("60 * * * * *", "second: write 59 for 60"),
        ("0 24 * * *", "hour: write 23 for 24"),
        ("0 0 0 * *", "day: write 1 for 0"),
        ("0 0 1 13 *", "month: write 12 for 13"),
        ("0 0 * * 8", "weekday: write 7 for 8"),
        ("0 17-8 * * *", "hour: write 8-17 for 17-8"),
        ("*/0 * * * *", "minute: write */1 for */0"),
        ("*/x * * * *", "minute: x is no step"),
        (
            "-5 * * * *",
            "minute: it is a number from 0 to 59, and not nothing",
        ),
        (
            "5, * * * *",
            "minute: it is a number from 0 to 59, and not nothing",
        ),
        (
            "+5 * * * *",
            "minute: it is a number from 0 to 59, and not +5",
        ),
        (
            "0 0 1 janu *",
            "month: it is a number from 1 to 12 or a name such as jan, and not janu",
        ),
        (
            "0 0 * * monday",
            "weekday: it is a number from 0 to 7 or a name such as sun, and not monday",
        ),
        ("0 0 L * *", "day: it is a number from 1 to 31, and not l"),
        ("0 0 31 2,4,6 *", "there is no such day in any year"),
        (
            "@reboot",
            "write autostart=true for a start with supervisord, and no schedule",
        ),
        (
            "@every 5m",
            "write such as */5 * * * * for every five minutes",
        ),
        (
            "@noon",
            "the names are @hourly, @daily, @weekly, @monthly and @yearly",
        ),
    ] {
        assert_eq!(Schedule::parse(text).unwrap_err(), told, "{text}");
    }
    // Such days are rare, but they come.
    for text in ["0 0 29 2 *", "0 0 29 2 */7", "0 0 31 2 mon"] {
        assert!(Schedule::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn one_field_for_days_is_enough_where_both_say_something() {
    // The 1970-01-01 was a Thursday.
    for (text, days) in [
        ("0 0 13 * fri", vec![1, 8, 12, 15, 22, 29]),
        ("0 0 * * fri", vec![1, 8, 15, 22, 29]),
        ("0 0 13 * *", vec![12]),
        // As in cron, a field that begins with a star says nothing by itself.
        ("0 0 */12 * fri", vec![]),
        ("0 0 */8 * thu", vec![0]),
        ("0 0 */7 * thu", vec![0, 7, 14, 21, 28]),
        ("0 0 1-3 * */6", vec![2]),
        ("0 0 1-31/12 * fri", vec![0, 1, 8, 12, 15, 22, 24, 29]),
    ] {
        let schedule = Schedule::parse(text).unwrap();
        let found: Vec<i64> = (0..31).filter(|day| schedule.has_day(*day)).collect();
        assert_eq!(found, days, "{text}");
    }
}

#[test]
fn what_comes_every_hour_or_more_often_goes_by_elapsed_time() {
    for (text, expected) in [
        ("* * * * *", true),
        ("*/5 * * * *", true),
        ("0 * * * *", true),
        ("0,30 0-23 * * *", true),
        ("0 */1 * * *", true),
        ("*/5 3 * * *", true),
        ("*/5 0 3 * * *", true),
        ("@hourly", true),
        ("0 */2 * * *", false),
        ("0,30 2 * * *", false),
        ("0 1-23 * * *", false),
        ("30 0 3 * * *", false),
        ("@daily", false),
    ] {
        assert_eq!(
            Schedule::parse(text).unwrap().is_frequent(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn the_next_time_of_a_day_is_the_first_that_is_in_every_set() {
    for text in [
        "* * * * * *",
        "0 0 0 * * *",
        "59 59 23 * * *",
        "5,10 7,8 3,21 * * *",
        "30 0 */5 * * *",
        "*/7 */11 */3 * * *",
    ] {
        let schedule = Schedule::parse(text).unwrap();
        let sets = numbers(text);
        let mut next = None;
        for second in (0..86_400_u32).rev() {
            let parts = [second % 60, second / 60 % 60, second / 3_600];
            let fits = parts
                .iter()
                .zip(&sets)
                .all(|(part, set)| set.contains(part));
            if fits {
                next = Some(i64::from(second));
            }
            assert_eq!(
                schedule.time_from(i64::from(second)),
                next,
                "{text} {second}"
            );
        }
        assert_eq!(schedule.time_from(-5), next);
        assert_eq!(schedule.time_from(86_400), None);
    }
}

#[test]
fn the_next_program_has_the_same_schedule() {
    for text in [
        "* * * * *",
        "@daily",
        "5 0 2 */10 jan,DEC mon-fri/2",
        "0 0 ? * 7",
    ] {
        let schedule = Schedule::parse(text).unwrap();
        assert_eq!(carried(&schedule), schedule);
    }
    let error = read::<Schedule>("\"@reboot\"").unwrap_err();
    assert!(error.contains("autostart=true"), "{error}");
}
