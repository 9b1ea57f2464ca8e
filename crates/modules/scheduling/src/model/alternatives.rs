use chrono::TimeDelta;
use nmc_kernel::{ResourceId, Timeslot};

/// A caller reads no more in one text.
pub(crate) const MAX_ALTERNATIVES: usize = 3;

/// Of what can be had, that which is nearest to what was wanted: by when it begins, then the earlier, then by resource.
/// What was wanted and refused is not among it.
pub(crate) fn nearest(
    wanted: (ResourceId, Timeslot),
    offered: impl Iterator<Item = (ResourceId, Timeslot)>,
) -> Vec<(ResourceId, Timeslot)> {
    let (wanted_resource, wanted_slot) = wanted;
    let distance = |slot: Timeslot| (slot.start() - wanted_slot.start()).abs();
    let key =
        |(resource, slot): &(ResourceId, Timeslot)| -> (TimeDelta, _, _) { (distance(*slot), slot.start(), *resource) };
    let mut nearest: Vec<(ResourceId, Timeslot)> = Vec::with_capacity(MAX_ALTERNATIVES + 1);
    for offer in offered.filter(|offer| (offer.0, offer.1.start()) != (wanted_resource, wanted_slot.start())) {
        let place = nearest.partition_point(|other| key(other) <= key(&offer));
        if place < MAX_ALTERNATIVES {
            nearest.truncate(MAX_ALTERNATIVES - 1);
            nearest.insert(place, offer);
        }
    }
    nearest
}
