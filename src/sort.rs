//! One stable sort for values of every type.
//!
//! The standard library's is made anew for each type and each order, some 7 KB
//! of code every time. This one sorts places, by a comparison that it is lent,
//! and then moves the values there; what is made anew is a few instructions.
//! For the same reason maps are filled by `extend`: `collect` sorts first.

use std::cmp::Ordering;

/// Sorts by a key.
pub fn by_key<'a, T, K: Ord>(items: &mut [&'a T], key: impl Fn(&'a T) -> K) {
    by(items, |a, b| key(a).cmp(&key(b)));
}

/// Sorts by a comparison; what is equal stays in its order.
pub fn by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut places = places(
        items.len(),
        &mut |a, b| match (items.get(a), items.get(b)) {
            (Some(a), Some(b)) => compare(a, b),
            _ => Ordering::Equal,
        },
    );
    arrange(&mut places, &mut |a, b| items.swap(a, b));
}

/// The places 0 to `count` - 1, sorted.
fn places(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|&a, &b| compare(a, b));
    places
}

/// Brings to each place what is to come there from `places`, circle by circle.
fn arrange(places: &mut [usize], swap: &mut dyn FnMut(usize, usize)) {
    for begin in 0..places.len() {
        let mut at = begin;
        while let Some(from) = places.get_mut(at) {
            let from = std::mem::replace(from, at);
            if from == begin {
                break;
            }
            swap(at, from);
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sorted_and_equal_ones_keep_their_order() {
        let mut number = 1_u32;
        for count in 0..200 {
            let mut values: Vec<(u32, usize)> = (0..count)
                .map(|place| {
                    number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (number >> 28, place)
                })
                .collect();
            let mut expected = values.clone();
            expected.sort();
            by(&mut values, |a, b| a.0.cmp(&b.0));
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn references_are_sorted_by_what_they_lead_to() {
        let values = [("b", 2), ("a", 3), ("c", 1)];
        let mut found: Vec<&(&str, i32)> = values.iter().collect();
        by_key(&mut found, |value| value.1);
        assert_eq!(found, [&("c", 1), &("b", 2), &("a", 3)]);
        by_key(&mut found, |value| value.0);
        assert_eq!(found, [&("a", 3), &("b", 2), &("c", 1)]);
    }
}
