# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """Options to assume a role, beside amazon.aws's common and region fragments."""

    DOCUMENTATION = r"""
options:
  assume_role_arn:
    description:
      - ARN of an IAM role to assume for every AWS call of the task, so that one run serves clusters in several
        accounts.
      - The role is assumed with the credentials that the task has otherwise; the session is named C(ekspress.eks).
    type: str
  assume_role_external_id:
    description:
      - External ID that the trust policy of O(assume_role_arn) asks for.
    type: str
requirements:
  - python >= 3.11
  - boto3 >= 1.35
notes:
  - The module runs inside the Ansible controller's process (no Python is started and no boto3 imported for each task)
    where the host has C(ansible_connection=local) and C(ansible_python_interpreter={{ ansible_playbook_python }}).
    With C(async), C(become), another connection or another interpreter it runs as an ordinary module, with the same
    result.
"""
