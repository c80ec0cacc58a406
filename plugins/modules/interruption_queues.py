#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: interruption_queues
short_description: SQS queues that receive EC2 interruption events by EventBridge rules
version_added: 1.0.0
description:
  - Makes and keeps the SQS queues from which the AWS Node Termination Handler (in queue mode) or Karpenter learns of
    interruptions, with the EventBridge rules that send them, any number of both at once.
  - Queues and rules are created with the tag C(ekspress.eks/cluster), of which the value is the cluster's name. The
    module changes and removes only what has this tag. A queue or listed rule that exists without it, or with
    another cluster's name, is an error that says what to do.
  - Of the queue's policy, two statements are the module's, known by their Sids. C(EkspressEksSendFromEventBridge) lets
    C(events.amazonaws.com) send, on behalf of the listed rules of this account only, and
    C(EkspressEksDenyInsecureTransport) denies everything without TLS. Statements with other Sids stay as they are.
    Policies are compared by what they mean, not by how they are written, and so are event patterns.
  - Rules are on the default event bus, where AWS's own events are. Each has the queue as its target
    C(ekspress.eks); other targets stay, and a warning names them.
  - Rules of the module that send to the queue and are no longer listed are removed, so that a run with fewer rules
    leaves nothing behind. Rules of others that send to the queue are left alone, and where the module's statement names
    them, it goes on to.
  - Everything is read and planned before the first write. A queue that fails while being written does not stop the
    others; the task then fails and names each.
  - A run may be ended at any point. The queue with its policy is made before the rules, and these before their targets;
    what is removed goes in reverse order. So no rule ever sends to a queue that is missing or refuses it. The policy
    names each rule from before it is made until after it is deleted, so that the next run finds what this one left.
  - Reads side by side. An unchanged queue takes C(sqs:GetQueueUrl), C(sqs:GetQueueAttributes), C(sqs:ListQueueTags) and
    C(events:ListRuleNamesByTarget), an unchanged rule C(events:DescribeRule), C(events:ListTargetsByRule) and
    C(events:ListTagsForResource), and a KMS key, once for all queues that have it, C(kms:DescribeKey) and
    C(kms:GetKeyPolicy). A rule of others that sends to the queue takes C(events:ListTagsForResource), and
    C(sts:GetCallerIdentity) is called where none of the queues exists.
  - Needs the permissions for these reads, and to write C(sqs:CreateQueue), C(sqs:SetQueueAttributes), C(sqs:TagQueue),
    C(sqs:DeleteQueue), C(events:PutRule), C(events:TagResource), C(events:PutTargets), C(events:RemoveTargets) and
    C(events:DeleteRule). The last example is a policy with no more than that.
options:
  queues:
    description: The queues. None is touched that is not listed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the queue, 1 to 80 letters, digits, hyphens and underscores. FIFO queues are not made here.
        type: str
        required: true
      cluster:
        description:
          - Name of the EKS cluster that the queue and its rules are for.
          - It goes into their tag C(ekspress.eks/cluster). The cluster itself is not looked up, so that what was left
            of a deleted one can be removed.
        type: str
        required: true
        aliases: [cluster_name]
      state:
        description:
          - V(present) makes or updates the queue and its rules.
          - V(absent) removes the rules of the module that send to the queue, and those of O(queues[].rules), then the
            queue with the messages in it. A rule with targets of others stays, without the queue as its target.
          - The rules of a queue that is already gone are removed too.
        type: str
        choices: [present, absent]
        default: present
      message_retention:
        description:
          - Seconds that SQS keeps a message, 60 to 1209600. Interruptions are of no use once the instance is gone.
        type: int
        default: 300
      kms_key:
        description:
          - ID, ARN or alias of the KMS key that encrypts the queue. By default it is SQS's own (SSE-SQS).
          - The key policy must let EventBridge use the key, else every event is lost without a sign. The module reads
            it and fails where it does not allow C(events.amazonaws.com) C(kms:GenerateDataKey) and C(kms:Decrypt);
            the message has the statement to add. Keys that AWS manages, such as C(alias/aws/sqs), cannot have it.
          - A warning says so where the policy may not be read, is another account's, or allows this under conditions
            only, which the module does not judge.
        type: str
      tags:
        description:
          - Tags to set on the queue and its rules; other tags stay. SQS takes no tag without a value.
          - Keys that start with C(aws:) or C(ekspress.eks/) are reserved.
        type: dict
      rules:
        description:
          - The EventBridge rules that send to the queue. A rule sends to one queue of the task; it can be moved to
            another one, in a task that has both.
          - Left out, rules stay as they are; an empty list removes those that are the module's.
          - With O(queues[].state=absent) only their names count.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the rule, 1 to 64 letters, digits, dots, hyphens and underscores.
            type: str
            required: true
          event_pattern:
            description:
              - The events to send. Needed with O(queues[].state=present). At most 4096 characters as JSON; an account's
                quota is 2048 where it was not raised.
              - See U(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html).
            type: dict
          description:
            description: Description of the rule, at most 512 characters. Left out, it stays as it is.
            type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - SQS gives the name of a deleted queue out again after 60 seconds. The module waits for it, up to 75 seconds, where
    SQS refuses the name for that reason.
  - SQS applies changed attributes within 60 seconds, and the message retention within 15 minutes. A deleted queue may
    still show for 60 seconds. A run within that time may see the old state, and write the same again.
  - SQS has no version to lock a policy on. It is read again and merged just before it is written.
  - Events of EC2 and Auto Scaling are of the whole account and region, whatever the cluster. What the consumer of the
    queue does with those of instances that are not its own is for its configuration to say.
seealso:
  - module: ekspress.eks.irsa_roles
  - name: AWS Node Termination Handler
    description: The events that it handles in queue mode.
    link: https://github.com/aws/aws-node-termination-handler
  - name: Resource-based policies of EventBridge's targets
    description: What a queue's policy must allow.
    link: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
  - name: Key management of SQS
    description: What a key's policy must allow.
    link: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Send interruptions to the queue of the AWS Node Termination Handler
  ekspress.eks.interruption_queues:
    region: eu-central-1
    queues:
      - name: production-blue-interruptions
        cluster: production-blue
        tags:
          team: platform
        rules:
          - name: production-blue-spot-interruption
            event_pattern:
              source: [aws.ec2]
              detail-type: ["EC2 Spot Instance Interruption Warning"]
          - name: production-blue-rebalance
            event_pattern:
              source: [aws.ec2]
              detail-type: ["EC2 Instance Rebalance Recommendation"]
          - name: production-blue-instance-state-change
            event_pattern:
              source: [aws.ec2]
              detail-type: ["EC2 Instance State-change Notification"]
          - name: production-blue-scheduled-change
            event_pattern:
              source: [aws.health]
              detail-type: ["AWS Health Event"]
              detail:
                service: [EC2]
                eventTypeCategory: [scheduledChange]
          - name: production-blue-lifecycle-action
            event_pattern:
              source: [aws.autoscaling]
              detail-type: ["EC2 Instance-terminate Lifecycle Action"]
  register: interruptions

- name: Show the URL that the handler's chart is given
  ansible.builtin.debug:
    var: interruptions.queues[0].url

- name: Encrypt a queue with a key of one's own
  ekspress.eks.interruption_queues:
    queues:
      - name: production-blue-interruptions
        cluster: production-blue
        kms_key: alias/queues

- name: Remove a queue and its rules
  ekspress.eks.interruption_queues:
    queues:
      - name: production-blue-interruptions
        cluster: production-blue
        state: absent

- name: Let a role do this for the clusters whose queues and rules are named after them, and no more
  ekspress.eks.irsa_roles:
    cluster: management
    roles:
      - name: queue-keeper
        service_accounts: ["automation:ansible"]
        policies:
          queues:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action:
                  - sqs:CreateQueue
                  - sqs:DeleteQueue
                  - sqs:GetQueueAttributes
                  - sqs:GetQueueUrl
                  - sqs:ListQueueTags
                  - sqs:SetQueueAttributes
                  - sqs:TagQueue
                Resource: arn:aws:sqs:eu-central-1:111122223333:production-*
              - Effect: Allow
                Action:
                  - events:DeleteRule
                  - events:DescribeRule
                  - events:ListTagsForResource
                  - events:ListTargetsByRule
                  - events:PutRule
                  - events:PutTargets
                  - events:RemoveTargets
                  - events:TagResource
                Resource: arn:aws:events:eu-central-1:111122223333:rule/production-*
              - Effect: Allow
                Action: events:ListRuleNamesByTarget
                Resource: "*"
              - Effect: Allow
                Action: [kms:DescribeKey, kms:GetKeyPolicy]
                Resource: arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
"""

RETURN = r"""
queues:
  description: The queues, in the order in which they are listed. Returned too where some failed while being written.
  returned: success, or when queues failed to be written
  type: list
  elements: dict
  contains:
    name:
      description: Name of the queue.
      type: str
      sample: production-blue-interruptions
    url:
      description: URL of the queue; in check mode, and of a queue that is not there, the one that it would have.
      type: str
      sample: https://sqs.eu-central-1.amazonaws.com/111122223333/production-blue-interruptions
    arn:
      description: ARN of the queue; in check mode, and of a queue that is not there, the one that it would have.
      type: str
      sample: arn:aws:sqs:eu-central-1:111122223333:production-blue-interruptions
    state:
      description:
        - C(unchanged), C(created), C(updated), C(removed), or C(failed) where writes failed.
        - Counts its rules in, so that it is C(removed) too where only rules were left of the queue.
      type: str
      sample: created
    changes:
      description: What was changed, one text for each call that changed something; what would be, in check mode.
      type: list
      elements: str
      sample: ["queue: create", "rule production-blue-rebalance: create"]
    rules:
      description: The queue's rules that changed.
      type: dict
      contains:
        set:
          description: Names of the rules that were created or updated, or got their target or a tag.
          type: list
          elements: str
          sample: ["production-blue-rebalance"]
        removed:
          description: Names of the rules that were removed, or that no longer send to the queue.
          type: list
          elements: str
          sample: []
    error:
      description: Why the queue failed.
      returned: when the state is C(failed)
      type: str
"""

from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
