use nmc_kernel::{AppointmentId, ServiceItemId};

use super::{
    Dialogue, World,
    state::{Change, ChangeKind},
    world::local,
};
use crate::model::understanding::AskedAbout;

impl Dialogue {
    /// What else than times the caller was asked to choose between, in words, as it was numbered.
    pub(crate) fn options(&self, world: &World) -> Vec<String> {
        match self.about(world) {
            AskedAbout::WhichJob => {
                let name = |id: &ServiceItemId| world.item(*id).map_or_else(String::new, |item| item.name.clone());
                self.choices.iter().map(name).collect()
            }
            AskedAbout::WhichAppointment => {
                let told = |id: &AppointmentId| {
                    let appointment = world.appointment(*id)?;
                    let job = world.item(appointment.service_item_id).map_or("", |item| item.name.as_str());
                    Some(format!("{job}, {}", local(appointment.slot.start(), world.zone).format("%A %Y-%m-%d %H:%M")))
                };
                self.appointments.iter().map(|id| told(id).unwrap_or_default()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether what is picked moves an appointment, and at once.
    pub(crate) fn is_moving(&self) -> bool {
        matches!(self.change, Some(Change { kind: ChangeKind::Move, .. }))
    }
}
