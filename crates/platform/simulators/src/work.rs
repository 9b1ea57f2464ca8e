//! What a simulator does beside answering: it is counted, and ends with the simulator.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The work of one simulator; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    under_way: watch::Sender<usize>,
    pub(crate) shutdown: CancellationToken,
}

/// Something that is under way until this is dropped.
pub(crate) struct UnderWay(watch::Sender<usize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Work {
    /// Counts something as under way.
    pub(crate) fn begin(&self) -> UnderWay {
        self.under_way.send_modify(|count| *count += 1);
        UnderWay(self.under_way.clone())
    }

    /// Runs `work` in the background until it is done or the simulator stops.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let (under_way, shutdown) = (self.begin(), self.shutdown.clone());
        tokio::spawn(async move {
            let _under_way = under_way;
            tokio::select! {
                () = work => {}
                () = shutdown.cancelled() => {}
            }
        });
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settled(&self) {
        // An error would say that the count is gone, and this is one of those who have it.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }
}
