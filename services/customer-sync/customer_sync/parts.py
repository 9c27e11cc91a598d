"""What customer-sync is made of."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from chassis.parts import Parts, current_parts
from customer_sync.codes.code_senders import CodeSender
from customer_sync.divisions.list_divisions import Divisions
from customer_sync.settings import CustomerSyncSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSyncParts(Parts):
    """What customer-sync has beside the parts of every service."""

    settings: CustomerSyncSettings
    code_sender: CodeSender
    divisions: Divisions


CurrentParts = Annotated[CustomerSyncParts, Depends(current_parts)]
