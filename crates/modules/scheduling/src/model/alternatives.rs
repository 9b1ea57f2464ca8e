use nmc_kernel::{ResourceId, Timeslot};

/// A caller reads no more in one text.
pub(crate) const MAX_ALTERNATIVES: usize = 3;

/// Of what can be had, that which is nearest to what was wanted: by when it begins, then the earlier, then by resource.
/// What was wanted and refused is not among it.
pub(crate) fn nearest(
    wanted: (ResourceId, Timeslot),
    offered: impl Iterator<Item = (ResourceId, Timeslot)>,
) -> Vec<(ResourceId, Timeslot)> {
    let start = wanted.1.start();
    let rank = |(resource, slot): &(ResourceId, Timeslot)| ((slot.start() - start).abs(), slot.start(), *resource);
    let mut nearest: Vec<(ResourceId, Timeslot)> = Vec::with_capacity(MAX_ALTERNATIVES);
    for offer in offered.filter(|(resource, slot)| (*resource, slot.start()) != (wanted.0, start)) {
        let place = nearest.partition_point(|nearer| rank(nearer) <= rank(&offer));
        if place < MAX_ALTERNATIVES {
            nearest.truncate(MAX_ALTERNATIVES - 1);
            nearest.insert(place, offer);
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn offer(resource: u128, quarter: i64) -> (ResourceId, Timeslot) {
        let start = DateTime::UNIX_EPOCH + Duration::minutes(15 * quarter);
        (ResourceId::from(Uuid::from_u128(resource)), Timeslot::new(start, start + Duration::hours(1)).unwrap())
    }

    #[test]
    fn the_nearest_comes_first_the_earlier_before_the_later() {
        let offered = [(1, 96), (2, 104), (1, 100), (1, 104), (2, 96), (2, 200)].map(|(on, at)| offer(on, at));
        assert_eq!(
            nearest(offer(1, 100), offered.into_iter()),
            [(1, 96), (2, 96), (1, 104)].map(|(on, at)| offer(on, at))
        );
        // The same time with somebody else is as near as can be.
        assert_eq!(nearest(offer(3, 100), offered.into_iter())[0], offer(1, 100));
        assert_eq!(nearest(offer(1, 100), [offer(1, 100)].into_iter()), []);
    }

    proptest! {
        #[test]
        fn three_of_all_in_their_order(offered in proptest::collection::btree_set((0..4u128, 0..60i64), 0..60), on in 0..4u128, at in 0..60i64) {
            let mut expected: Vec<_> = offered.iter().copied().filter(|offered| *offered != (on, at)).collect();
            expected.sort_by_key(|(resource, quarter)| ((quarter - at).abs(), *quarter, *resource));
            expected.truncate(3);
            let expected: Vec<_> = expected.into_iter().map(|(resource, quarter)| offer(resource, quarter)).collect();
            let offered = offered.into_iter().map(|(resource, quarter)| offer(resource, quarter));
            prop_assert_eq!(nearest(offer(on, at), offered), expected);
        }
    }
}
