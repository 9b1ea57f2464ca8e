//! What a business sells: its jobs, what they last and cost, and by which words callers ask for them.
