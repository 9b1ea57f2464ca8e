use std::time::{Duration, Instant};

/// Short beside what a test waits for, long beside what looking costs.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks `condition` again and again until it holds; says whether it did within `bound`.
///
/// The one place where tests let time pass: everything else is either awaited or driven by a clock that stands still.
/// A condition that hangs counts as one that does not hold.
#[must_use = "a test has to say what it means that the condition never held"]
pub async fn eventually(bound: Duration, mut condition: impl AsyncFnMut() -> bool) -> bool {
    let deadline = Instant::now() + bound;
    let poll = async {
        while !condition().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout_at(deadline.into(), poll).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_ends_when_the_condition_holds_and_at_the_bound() {
        let mut asked = 0;
        let third = eventually(Duration::from_secs(10), async || {
            asked += 1;
            asked == 3
        });
        assert!(third.await);
        assert_eq!(asked, 3);
        assert!(!eventually(Duration::from_millis(50), async || false).await);
        assert!(!eventually(Duration::from_millis(50), std::future::pending).await);
    }
}
