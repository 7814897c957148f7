"""The JSON API: one controller a noun; a test fails on one that is not listed here."""

from antiphon.web.api.companies import CompanyController
from antiphon.web.api.computed_traits import ComputedTraitController
from antiphon.web.api.demo import DemoController
from antiphon.web.api.events import EventController
from antiphon.web.api.inbox import InboxController
from antiphon.web.api.keys import KeyController
from antiphon.web.api.messages import MessageController
from antiphon.web.api.overview import OverviewController
from antiphon.web.api.rule_language import RuleLanguageController
from antiphon.web.api.rules import RuleController
from antiphon.web.api.sending import SendingController
from antiphon.web.api.session import SessionController
from antiphon.web.api.settings import SettingsController
from antiphon.web.api.templates import TemplateController
from antiphon.web.api.users import UserController
from antiphon.web.api.workflows import WorkflowController

CONTROLLERS = (
    SessionController,
    OverviewController,
    EventController,
    UserController,
    CompanyController,
    RuleController,
    RuleLanguageController,
    ComputedTraitController,
    TemplateController,
    WorkflowController,
    MessageController,
    SendingController,
    InboxController,
    KeyController,
    SettingsController,
    DemoController,
)
