//! The rules for what users may do to their own hats.

use super::draft::Draft;
use super::hats::Give;
use super::{Decision, Refusal, Stop, Target, Turn};
use crate::commit::Cause;
use crate::hat::{Attachment, HatId};

pub(super) fn wear_hat(turn: Turn<'_>, target: &Target, hat_id: &HatId) -> Result<Decision, Stop> {
    let mut draft = Draft::open_for(turn, target)?;
    had(&mut draft, target, hat_id)?.active = true;
    draft.finish_for(&target.user_jid, Cause::Request)
}

pub(super) fn doff_hat(turn: Turn<'_>, target: &Target, hat_id: &HatId) -> Result<Decision, Stop> {
    let mut draft = Draft::open_for(turn, target)?;
    let attachment = had(&mut draft, target, hat_id)?;
    check_not_required(attachment, target, hat_id)?;
    attachment.active = false;
    draft.finish_for(&target.user_jid, Cause::Request)
}

pub(super) fn claim_hat(turn: Turn<'_>, target: &Target, hat_id: &HatId) -> Result<Decision, Stop> {
    let mut draft = Draft::open_for(turn, target)?;
    if !draft.defined(hat_id)?.self_assignable {
        let (room_jid, hat_id) = (target.room_jid.clone(), hat_id.clone());
        return Err(Refusal::HatNotSelfAssignable { room_jid, hat_id }.into());
    }
    if !draft.document(&target.user_jid)?.hats.contains_key(hat_id) {
        let attachment = &Attachment { active: true, ..Attachment::default() };
        draft.give(&target.user_jid, &Give { hat_id, attachment, keep_active: false })?;
    }
    draft.finish_for(&target.user_jid, Cause::Request)
}

pub(super) fn discard_hat(
    turn: Turn<'_>,
    target: &Target,
    hat_id: &HatId,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open_for(turn, target)?;
    check_not_required(had(&mut draft, target, hat_id)?, target, hat_id)?;
    draft.take(&target.user_jid, hat_id)?;
    draft.finish_for(&target.user_jid, Cause::Request)
}

/// The user's attachment of a hat that the user must have.
fn had<'d>(
    draft: &'d mut Draft<'_>,
    target: &Target,
    hat_id: &HatId,
) -> Result<&'d mut Attachment, Stop> {
    draft.document(&target.user_jid)?.hats.get_mut(hat_id).ok_or_else(|| {
        let (room_jid, user_jid) = (target.room_jid.clone(), target.user_jid.clone());
        Refusal::HatNotFound { room_jid, user_jid, hat_id: hat_id.clone() }.into()
    })
}

fn check_not_required(had: &Attachment, target: &Target, hat_id: &HatId) -> Result<(), Refusal> {
    if !had.required {
        return Ok(());
    }
    let (room_jid, user_jid) = (target.room_jid.clone(), target.user_jid.clone());
    Err(Refusal::HatRequired { room_jid, user_jid, hat_id: hat_id.clone() })
}
