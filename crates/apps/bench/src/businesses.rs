//! Who calls.

/// Businesses the calls are spread over.
pub(crate) const BUSINESSES: u16 = 20;
/// Area codes of the callers. Within each, 555-0100 to 555-0199 belong to nobody.
const AREA_CODES: [u16; 30] = [
    212, 213, 303, 305, 312, 313, 404, 407, 412, 469, 503, 512, 602, 612, 614, 617, 619, 702, 704, 713, 716, 720, 801,
    813, 816, 901, 904, 916, 919, 971,
];
/// Different callers there are.
pub(crate) const CALLERS: usize = AREA_CODES.len() * 100;

/// The number of one of the callers; `index` is below [`CALLERS`].
pub(crate) fn caller(index: usize) -> String {
    format!("+1{}55501{:02}", AREA_CODES[index / 100 % AREA_CODES.len()], index % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nmc_kernel::CallerNumber;

    #[test]
    fn every_caller_is_another_phone_that_can_be_texted() {
        let callers: std::collections::HashSet<String> = (0..CALLERS).map(caller).collect();
        assert_eq!(callers.len(), CALLERS);
        for phone in callers {
            assert!(matches!(CallerNumber::from_provider(&phone), CallerNumber::Textable(_)), "{phone}");
        }
    }
}
