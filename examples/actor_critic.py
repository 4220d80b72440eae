"""Learns to balance a pole on a cart by trial and error.

    python examples/actor_critic.py

One network has two results: the actor's probabilities of pushing the cart left or right, and the
critic's guess of what is still to be won. After each episode both learn from how much better or
worse it went than the critic had thought (Sutton & Barto, "Reinforcement learning", chapter 13).
"""

import argparse
import math
import time

import autograd
import nn
import nn.functional as F
import optim
from autograd.distributions import Categorical


class CartPole:
    """The cart and pole of Barto, Sutton & Anderson, "Neuronlike adaptive elements that can solve
    difficult learning control problems" (1983), without friction.

    The state is the cart's place and speed and the pole's angle and speed. Each step is worth 1,
    until the cart leaves the track or the pole leans too far, or `limit` steps are done.
    """

    GRAVITY, FORCE, SECONDS = 9.8, 10.0, 0.02
    CART, POLE, HALF_LENGTH = 1.0, 0.1, 0.5
    TRACK, LEANING = 2.4, math.radians(12)

    def __init__(self, limit):
        self.limit = limit

    def reset(self):
        self.state = (autograd.rand(4) * 0.1 - 0.05).tolist()
        self.steps = 0
        return self.state

    def step(self, action):
        """Pushes to the left (0) or right (1); returns the state, and whether it is over."""
        place, speed, angle, turning = self.state
        force = self.FORCE if action == 1 else -self.FORCE
        sin, cos = math.sin(angle), math.cos(angle)
        mass = self.CART + self.POLE
        moment = self.POLE * self.HALF_LENGTH
        push = (force + moment * turning**2 * sin) / mass
        lever = self.HALF_LENGTH * (4 / 3 - self.POLE * cos**2 / mass)
        turned = (self.GRAVITY * sin - cos * push) / lever
        moved = push - moment * turned * cos / mass
        self.state = [
            place + self.SECONDS * speed,
            speed + self.SECONDS * moved,
            angle + self.SECONDS * turning,
            turning + self.SECONDS * turned,
        ]
        self.steps += 1
        fallen = abs(self.state[0]) > self.TRACK or abs(self.state[2]) > self.LEANING
        return self.state, fallen or self.steps >= self.limit


class ActorCritic(nn.Module):
    """Probabilities of both actions and the value of a state."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 128)
        self.actor = nn.Linear(128, 2)
        self.critic = nn.Linear(128, 1)

    def forward(self, state):
        h = F.relu(self.hidden(state))
        return F.softmax(self.actor(h), dim=-1), self.critic(h)


def play(model, environment):
    """One episode: the log-probability of each action and the critic's value before it."""
    log_probabilities, values = [], []
    state, over = environment.reset(), False
    while not over:
        probabilities, value = model(autograd.tensor(state))
        choice = Categorical(probabilities)
        action = choice.sample()
        log_probabilities.append(choice.log_prob(action))
        values.append(value)
        state, over = environment.step(action.item())
    return autograd.stack(log_probabilities), autograd.cat(values)


def loss_of(log_probabilities, values, gamma):
    """Reinforces actions that won more than the critic thought, and corrects the critic."""
    won, returns = 0.0, []
    for _ in range(len(values)):
        won = 1 + gamma * won
        returns.append(won)
    returns = autograd.tensor(returns[::-1])
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    advantages = returns - values.detach()
    critic = F.smooth_l1_loss(values, returns, reduction="sum")
    return critic - (log_probabilities * advantages).sum()


def arguments():
    parser = argparse.ArgumentParser(description="Learns to balance a pole on a cart.")
    parser.add_argument("--episodes", type=int, default=1000, help="at most (%(default)s)")
    parser.add_argument("--limit", type=int, default=200, help="steps (default: %(default)s)")
    parser.add_argument("--gamma", type=float, default=0.99, help="discount (%(default)s)")
    parser.add_argument("--lr", type=float, default=0.01, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--log-interval", type=int, default=20, help="default: %(default)s")
    return parser.parse_args()


def main():
    args = arguments()
    autograd.manual_seed(args.seed)
    autograd.set_num_threads(1)
    environment, model = CartPole(args.limit), ActorCritic()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    average, start = 10.0, time.perf_counter()
    for episode in range(1, args.episodes + 1):
        log_probabilities, values = play(model, environment)
        steps = len(values)
        average += 0.05 * (steps - average)
        if steps > 1:  # a single return has no deviation to be divided by
            optimizer.zero_grad()
            loss_of(log_probabilities, values, args.gamma).backward()
            optimizer.step()
        solved = average > 0.95 * args.limit
        if episode % args.log_interval == 0 or solved:
            seconds = time.perf_counter() - start
            print(
                f"episode {episode:4}  {steps:3} steps  average {average:6.1f}  {seconds:.0f} s",
                flush=True,
            )
        if solved:
            print(f"solved: {average:.0f} of {args.limit} steps on average")
            break


if __name__ == "__main__":
    main()
