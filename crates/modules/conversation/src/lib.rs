//! nmc-conversation
