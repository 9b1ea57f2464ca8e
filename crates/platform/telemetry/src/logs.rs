//! Log lines: JSON, one per event, masked as the last thing before they are written.

use std::io::{self, Write};

use nmc_config::TelemetryConfig;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::ParseError,
    fmt::{self, MakeWriter},
    registry::LookupSpan,
};

use crate::mask_phone_numbers;

pub(crate) fn filter(config: &TelemetryConfig) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(&config.log_filter)
}

/// Fields of the event stand at the top level, those of its spans under `spans`, the outermost first.
pub(crate) fn layer<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_writer(Masking(writer))
        // What cannot be written cannot be reported either, least of all unmasked.
        .log_internal_errors(false)
}

/// Masks what passes through: `tracing-subscriber` hands over whole lines.
struct Masking<W>(W);

impl<'writer, W: MakeWriter<'writer>> MakeWriter<'writer> for Masking<W> {
    type Writer = Masking<W::Writer>;

    fn make_writer(&'writer self) -> Self::Writer {
        Masking(self.0.make_writer())
    }
}

impl<W: Write> Write for Masking<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(mask_phone_numbers(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
