// The health check of MongoDB: healthy once it is a primary with the services' users. What is missing it makes, so the
// first check after the first start makes the replica set, and a later one the users. Runs in mongosh.
const { MONGO_INITDB_ROOT_USERNAME, MONGO_INITDB_ROOT_PASSWORD } = process.env;
const { MONGO_TASKS_PASSWORD, MONGO_SUBTASKS_PASSWORD, MONGO_WEBHOOKS_PASSWORD, MONGO_DETECTOR_PASSWORD,
  MONGO_ACCOUNTS_PASSWORD, MONGO_CONSENSUS_PASSWORD, MONGO_WORKER_PASSWORD } = process.env;
const NOT_YET_INITIALIZED = 94;

const admin = connect(
  `mongodb://${MONGO_INITDB_ROOT_USERNAME}:${MONGO_INITDB_ROOT_PASSWORD}@127.0.0.1:27017/admin?directConnection=true`,
);

try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.code !== NOT_YET_INITIALIZED) throw error;
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] } });
}

if (!admin.hello().isWritablePrimary) quit(1);

// Each service may work in its own database and in no other.
for (const [user, password] of [
  ["quorate_tasks", MONGO_TASKS_PASSWORD],
  ["quorate_subtasks", MONGO_SUBTASKS_PASSWORD],
  ["quorate_detector", MONGO_DETECTOR_PASSWORD],
  ["quorate_worker", MONGO_WORKER_PASSWORD],
  ["quorate_accounts", MONGO_ACCOUNTS_PASSWORD],
  ["quorate_webhooks", MONGO_WEBHOOKS_PASSWORD],
  ["quorate_consensus", MONGO_CONSENSUS_PASSWORD],
]) {
  if (admin.getUser(user) === null) {
    admin.createUser({ user, pwd: password, roles: [{ role: "readWrite", db: user }] });
  }
}
