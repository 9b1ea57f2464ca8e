use nmc_events::compliance::CampaignStatus;
use nmc_kernel::CampaignId;

/// The business's 10DLC campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Where it stands; texts go out only while it is approved.
    pub status: CampaignStatus,
    /// What is sent, and to whom.
    pub description: String,
    /// A text as it will be sent.
    pub sample_message: String,
}

/// What is submitted to the carriers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignSubmission {
    /// The business's legal name, 1 to 255 characters.
    pub legal_name: String,
    /// What is sent, and to whom; 1 to 4,096 characters.
    pub description: String,
    /// A text as it will be sent, 1 to 1,600 characters.
    pub sample_message: String,
}

/// Which part of a submission is missing or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// The legal name.
    #[error("legal_name: 1 to {MAX_LEGAL_NAME_CHARS} characters are expected")]
    LegalName,
    /// The description.
    #[error("description: 1 to {MAX_DESCRIPTION_CHARS} characters are expected")]
    Description,
    /// The sample.
    #[error("sample_message: 1 to {MAX_SAMPLE_CHARS} characters are expected")]
    SampleMessage,
}

const MAX_LEGAL_NAME_CHARS: usize = 255;
/// The longest description Twilio takes: <https://www.twilio.com/docs/messaging/api/usapptoperson-resource>.
const MAX_DESCRIPTION_CHARS: usize = 4_096;
/// The longest text Twilio takes: <https://www.twilio.com/docs/messaging/api/message-resource>.
const MAX_SAMPLE_CHARS: usize = 1_600;

impl CampaignSubmission {
    pub(crate) fn check(&self) -> Result<(), SubmissionError> {
        let fits =
            |text: &str, max: usize| !text.trim().is_empty() && text.chars().count() <= max && !text.contains('\0');
        if !fits(&self.legal_name, MAX_LEGAL_NAME_CHARS) {
            return Err(SubmissionError::LegalName);
        }
        if !fits(&self.description, MAX_DESCRIPTION_CHARS) {
            return Err(SubmissionError::Description);
        }
        if !fits(&self.sample_message, MAX_SAMPLE_CHARS) {
            return Err(SubmissionError::SampleMessage);
        }
        Ok(())
    }
}

/// The status stored as `word`.
pub(crate) fn status_from_word(word: &str) -> Option<CampaignStatus> {
    [CampaignStatus::Pending, CampaignStatus::Approved, CampaignStatus::Rejected]
        .into_iter()
        .find(|status| status.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_submission_is_bounded() {
        let good = CampaignSubmission {
            legal_name: "Example Plumbing LLC".into(),
            description: "Answers to missed calls".into(),
            sample_message: "Example Plumbing here".into(),
        };
        assert_eq!(good.check(), Ok(()));
        let with = |change: fn(&mut CampaignSubmission)| {
            let mut submission = good.clone();
            change(&mut submission);
            submission.check()
        };
        assert_eq!(with(|s| s.legal_name = " ".into()), Err(SubmissionError::LegalName));
        assert_eq!(with(|s| s.legal_name = "x".repeat(256)), Err(SubmissionError::LegalName));
        assert_eq!(with(|s| s.legal_name = "a\0b".into()), Err(SubmissionError::LegalName));
        assert_eq!(with(|s| s.description = String::new()), Err(SubmissionError::Description));
        assert_eq!(with(|s| s.description = "x".repeat(4_097)), Err(SubmissionError::Description));
        assert_eq!(with(|s| s.sample_message = "\n".into()), Err(SubmissionError::SampleMessage));
        assert_eq!(with(|s| s.sample_message = "x".repeat(1_601)), Err(SubmissionError::SampleMessage));
    }
}
