"""Imports every module that declares tables, so that migrations and `Store.create_all` see all of them."""

import alerts.casework.tables
import alerts.drills.tables
import alerts.duty.tables
import alerts.notify.tables
import alerts.planning.tables
import alerts.release.tables
import alerts.responses.tables
import alerts.statutory.tables
import alerts.tables  # noqa: F401
import answers.tables  # noqa: F401
import briefings.tables  # noqa: F401
import classifiers.tables  # noqa: F401
import console.tables  # noqa: F401
import consultations.tables  # noqa: F401
import crawlers.tables  # noqa: F401
import disclosure.tables  # noqa: F401
import grouping.tables  # noqa: F401
import minsheng.chores
import minsheng.policies.tables  # noqa: F401
import search.tables  # noqa: F401
