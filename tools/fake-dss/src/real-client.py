"""Drives a server with the real client: a JSON line for each operation."""
import json
import os
import sys

from dataikuapi import DSSClient

url, lang, name, version = sys.argv[1:5]
client = DSSClient(url, os.environ["FAKE_DSS_KEY"])
env = client.get_code_env(lang, name)


def save_settings():
    settings = env.get_settings()
    settings.save()


def save_general():
    settings = client.get_general_settings()
    settings.save()


def build_and_wait():
    return env.update_images(wait=False).wait_for_result()


def abort():
    future = env.update_images(wait=False)
    future.abort()
    return "aborted"


operations = {
    "listCodeEnvs": client.list_code_envs,
    "getCodeEnv": env.get_definition,
    "saveCodeEnv": save_settings,
    "updatePackages": lambda: env.update_packages(force_rebuild_env=True),
    "updateImages": lambda: env.update_images(),
    "startImages": build_and_wait,
    "abortImages": abort,
    "envUsages": env.list_usages,
    "allUsages": client.list_code_env_usages,
    "listLogs": env.list_logs,
    "getLog": lambda: env.get_log("build.log"),
    "generalSettings": lambda: client.get_general_settings().get_raw(),
    "saveGeneralSettings": save_general,
    "pushBaseImages": lambda: client.push_base_images().wait_for_result(),
    "listClusters": client.list_clusters,
}
if version:
    operations = {"updateVersionImages": lambda: env.update_images(env_version=version)}

for operation, run in operations.items():
    # The mark tells the server's list of calls which operation comes next.
    client._perform_empty("GET", "/admin/clusters/", params={"operation": operation})
    try:
        print(json.dumps({"operation": operation, "result": run()}))
    except Exception as error:
        print(json.dumps({"operation": operation, "error": str(error)}))
