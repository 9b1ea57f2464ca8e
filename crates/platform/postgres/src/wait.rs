use std::time::{Duration, Instant};

/// The first pause between two looks: an event that is about to happen is seen at once.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause between two looks: cheap enough to go on for a minute.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until `look` finds something, for at most `limit`. The one place of this crate that sleeps:
/// the standard library offers no way to be told that a file appeared or that another process let go of a lock.
pub fn wait_until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if began.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_was_found_and_gives_up_in_the_end() {
        let mut looks = 0;
        let found = wait_until(Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some("there")
        });
        assert_eq!(found, Some("there"));
        assert_eq!(wait_until(Duration::ZERO, || None::<()>), None);
    }
}
