//! nmc-telephony
