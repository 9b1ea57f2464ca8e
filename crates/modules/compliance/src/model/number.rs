use nmc_kernel::{E164, PhoneNumberId};

/// A number of the business that receives calls and texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivingNumber {
    /// Its id; the route of the number leads to it.
    pub id: PhoneNumberId,
    /// The number.
    pub phone: E164,
}
